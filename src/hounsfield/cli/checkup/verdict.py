"""`Verdict`: what the facts mean for the person at the machine, and the command that mends what is amiss."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hounsfield.cli.checkup.codecs import Codec
from hounsfield.cli.checkup.machine import MachineFacts
from hounsfield.cli.checkup.packages import Package

GIB = 1024**3
MEMORY_NEEDED_BYTES = 2 * GIB
"""A training run on films peaks below this; series of CT need more."""
DISK_NEEDED_BYTES = 1 * GIB
"""A bundle, its checkpoints and a report take far less; a converted series can take this much."""


GIVES = {
    "fast": "many images are read several times as fast, and networks are exported to ONNX",
    "int8": "networks are read in 8 bits on request",
    "onnxruntime": "networks are read by ONNX Runtime where OpenVINO does not run",
    "reinforcement": "the walk to a landmark is an environment of Gymnasium",
}
"""What is gained by each extra."""


@dataclass(frozen=True)
class Verdict:
    """One thing the person should know."""

    level: Literal["good", "note", "bad"]
    """"bad": something Hounsfield needs is missing; "note": it works, but less well."""
    text: str
    mend: str = ""
    """The command that mends it, to be pasted as it stands; empty when there is nothing to mend, or no command."""


def verdicts(machine: MachineFacts | None, packages: Sequence[Package], codecs: Sequence[Codec]) -> tuple[Verdict, ...]:
    """What the facts mean, the worst first.

    Args:
        machine: None when the packages that would tell cannot be imported.
        packages: As `check_packages` gives them.
        codecs: As `check_codecs` gives them; empty when they could not be tried.
    """
    found = [*_of_packages(packages), *_of_codecs(codecs), *(_of_machine(machine) if machine else ())]
    order = ("bad", "note", "good")
    return tuple(sorted(found, key=lambda verdict: order.index(verdict.level)))


def ready(found: Iterable[Verdict]) -> bool:
    """Whether nothing that Hounsfield needs is missing."""
    return all(verdict.level != "bad" for verdict in found)


def _of_packages(packages: Sequence[Package]) -> list[Verdict]:
    found = []
    faulty = [package for package in packages if package.fault and not package.extra]
    for package in faulty:
        found.append(Verdict("bad", f"{package.name}: {package.fault}", _pip(package.requirement)))
    for extra in sorted({package.extra for package in packages if package.fault and package.extra}):
        names = ", ".join(package.name for package in packages if package.fault and package.extra == extra)
        gives = f"; with it {GIVES[extra]}" if extra in GIVES else ""
        text = f"the extra {extra!r} is not complete: {names}{gives}"
        found.append(Verdict("note", text, _pip(f"hounsfield[{extra}]")))
    if not faulty:
        found.append(Verdict("good", f"all {len([p for p in packages if not p.extra])} packages needed are here"))
    return found


def _of_codecs(codecs: Sequence[Codec]) -> list[Verdict]:
    if not codecs:
        return []
    faulty = [codec.name for codec in codecs if codec.fault]
    if not faulty:
        return [Verdict("good", f"DICOM can be read in all {len(codecs)} transfer syntaxes tried")]
    mend = _pip("--force-reinstall", "python-gdcm", "pylibjpeg-openjpeg", "pylibjpeg-rle", "imagecodecs")
    return [Verdict("bad", f"DICOM cannot be read in these transfer syntaxes: {'; '.join(faulty)}", mend)]


def _of_machine(machine: MachineFacts) -> list[Verdict]:
    found = []
    if machine.memory_free_bytes < MEMORY_NEEDED_BYTES:
        free = machine.memory_free_bytes / GIB
        found.append(Verdict("note", f"only {free:.1f} GiB of memory are free; close other programs before training"))
    if not machine.folder_writable:
        found.append(Verdict("bad", f"nothing can be written in {machine.folder}", "cd ~"))
    elif machine.disk_free_bytes < DISK_NEEDED_BYTES:
        free = machine.disk_free_bytes / GIB
        found.append(Verdict("note", f"only {free:.1f} GiB are free on the disk of {machine.folder}"))
    if machine.bf16:
        found.append(Verdict("good", "the processor has native bfloat16: training uses it, about twice as fast"))
    else:
        found.append(
            Verdict("note", "the processor has no native bfloat16: training runs in float32, at about half the speed")
        )
    if not machine.gpus:
        found.append(Verdict("good", "no GPU, and none is needed: plans are made to fit the processor"))
    return found


def _pip(*words: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", *words])
