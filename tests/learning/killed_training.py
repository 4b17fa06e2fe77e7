"""Trains the same tiny data set again and again in processes of its own, and kills them where a test says.

Called as `python killed_training.py JOBS.json`; a job is {"out": folder} for a training without a kill, which has to
be the first; {"out": folder, "share": s} for a kill after the share s of the first job's time; or {"out": folder,
"stride": n} for a kill before the first change of the disk, another before the change n later in the next process, and
so on until one ends by itself. Prints how each process ended. The packages are imported once and every process is
forked from that state, so that dozens of trainings start in seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.ma  # noqa: F401 - this and the next five are imported once, before the processes are forked
import psutil  # noqa: F401
import pydantic.type_adapter  # noqa: F401
import rich.progress  # noqa: F401
import safetensors.torch  # noqa: F401
import torch

import hounsfield.datasets.npz  # noqa: F401
from hounsfield.bundle import add_file
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.learning import supervised
from hounsfield.learning.train import Trained, train
from hounsfield.plan import Plan, read_plan

CHANGES: tuple[tuple[Any, str], ...] = (
    (os, "fsync"),
    (os, "replace"),
    (os, "mkdir"),
    (os, "unlink"),
    (shutil, "rmtree"),
)
"""What changes the disk for good: a process is killed just before one of these calls."""


def tiny_dataset(folder: Path) -> Dataset:
    """40 cases of 20 patients; every second one has a bright square. Case 5 cannot be read."""
    path = folder / "tiny.npz"
    if not path.exists():
        rng = np.random.default_rng(0)
        images = rng.integers(0, 80, (40, 16, 16), dtype=np.uint8)
        images[::2, 4:12, 4:12] += 60
        np.savez(path, images=images)
    cases = tuple(
        Case(
            id=f"case-{number:02d}",
            patient=f"woman-{number // 2:02d}",
            images={"image": ImageRef(path, "images", 99 if number == 5 else number)},
            target=int(number % 2 == 0),
        )
        for number in range(40)
    )
    return Dataset("tiny", folder, cases, ("plain", "square"), "table")


def work(folder: Path, out: Path, plan: Plan, step: int | None) -> None:
    """Train into `out`; what a test changes is that every epoch leaves a checkpoint, and where the process dies."""
    torch.set_num_threads(1)
    supervised.CHECKPOINT_SECONDS = 0.0
    die_before(step)

    def add_evidence(trained: Trained) -> None:
        add_file(trained.bundle, "evidence.json", json.dumps(trained.val_logits.tolist()))

    train(tiny_dataset(folder), out, plan=plan, seed=3, on_written=add_evidence)


def die_before(deadly: int | None) -> None:
    """Kill this process before its change of the disk of that number, counted from 1."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **options)

        return call

    for module, name in CHANGES:
        setattr(module, name, counted(getattr(module, name)))


def start(folder: Path, out: str, plan: Plan, *, step: int | None = None, seconds: float | None = None) -> str:
    """One process, killed before a change of the disk, after some seconds, or not; "killed", "done" or "failed"."""
    process = os.fork()
    if process == 0:
        try:
            work(folder, folder / out, plan, step)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "failed" if os.WEXITSTATUS(status) else "done"


def main() -> None:
    """Do the jobs one after the other."""
    folder = Path(sys.argv[1]).parent
    plan = read_plan(folder / "plan.toml")
    first, *jobs = json.loads(Path(sys.argv[1]).read_text())
    began = time.monotonic()
    ends = [start(folder, first["out"], plan)]
    whole = time.monotonic() - began
    for job in jobs:
        step = 1 if "stride" in job else None
        seconds = job["share"] * whole if "share" in job else None
        ends.append(start(folder, job["out"], plan, step=step, seconds=seconds))
        while step is not None and ends[-1] == "killed":
            step += job["stride"]
            ends.append(start(folder, job["out"], plan, step=step))
    print(json.dumps(ends))


if __name__ == "__main__":
    main()
