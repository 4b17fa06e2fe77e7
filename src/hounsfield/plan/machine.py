"""`Machine`: what the computer at hand can do, as far as a plan depends on it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

MAX_THREADS = 2
"""More threads in one process hardly help networks of this size and slow down everything beside them."""


@dataclass(frozen=True)
class Machine:
    """What the computer at hand can do."""

    name: str
    """The processor's own name."""
    cores: int
    threads: int
    """Threads the plan may use."""
    memory_bytes: int
    """Free for use now."""
    bf16: bool
    """Whether the processor multiplies bfloat16 natively; without it, bf16 is many times slower than float32."""


def inspect_machine() -> Machine:
    """The machine this runs on."""
    import psutil
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        name=_processor_name(),
        cores=cores,
        threads=min(cores, MAX_THREADS),
        memory_bytes=int(psutil.virtual_memory().available),
        bf16=bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    )


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
