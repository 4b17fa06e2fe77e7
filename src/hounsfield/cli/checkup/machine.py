"""`MachineFacts`: the computer, as far as it decides how fast and how large the work can be."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MachineFacts:
    """The computer, as far as it decides how fast and how large the work can be."""

    system: str
    """Operating system and its release."""
    python: str
    processor: str
    cores: int
    """Those this process may use."""
    threads: int
    """Those a plan made here would use."""
    memory_total_bytes: int
    memory_free_bytes: int
    folder: Path
    """The current folder, where results would go."""
    disk_free_bytes: int
    """On the disk of `folder`."""
    folder_writable: bool
    instructions: str
    """The widest vector instructions torch found: "AVX512", "AVX2", "DEFAULT" …"""
    bf16: bool
    """Whether bfloat16 products are native."""
    torch_threads: int
    gpus: tuple[str, ...]
    """Names of the CUDA devices that torch sees, and "Apple MPS" where there is one."""


def machine_facts(folder: Path) -> MachineFacts:
    """The computer this runs on; `folder` is where results would be written.

    Raises:
        ImportError: torch or psutil cannot be imported; the packages are to be mended first.
    """
    import psutil
    import torch

    from hounsfield.plan.machine import inspect_machine

    machine = inspect_machine()
    return MachineFacts(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        processor=machine.name,
        cores=machine.cores,
        threads=machine.threads,
        memory_total_bytes=int(psutil.virtual_memory().total),
        memory_free_bytes=machine.memory_bytes,
        folder=folder,
        disk_free_bytes=shutil.disk_usage(folder).free,
        folder_writable=can_write(folder),
        instructions=torch.backends.cpu.get_cpu_capability(),
        bf16=machine.bf16,
        torch_threads=torch.get_num_threads(),
        gpus=_gpus(),
    )


def can_write(folder: Path) -> bool:
    """Whether a file can be made in `folder`, found out by making one; it is gone afterwards."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"hounsfield")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        return False
    return True


def _gpus() -> tuple[str, ...]:
    import torch

    if torch.cuda.is_available():
        return tuple(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return ("Apple MPS",) if torch.backends.mps.is_available() else ()
