"""How many windows a second does the training of a 3-D U-Net work through, beside nnU-Net v2's trainer?

Both learn from the same volumes, end to end: cutting out windows, changing them, the network, deep supervision and the
optimiser's step. The network is nnU-Net's own (PlainConvUNet as its planner configures it), with the same windows and
batches, in both. Beside it stands what our plan has for these volumes. Each runs in a process of its own with two
threads, in turns, several rounds.

nnU-Net's requirements do not go together with the others of these benchmarks: `--python` is an interpreter of an
environment that has Hounsfield and nnunetv2.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnunet import (
    EXAMPLE,
    THREADS,
    cases_there,
    in_child,
    nnunet_plans,
    nnunet_trainer,
    nnunet_version,
    prepare_nnunet,
    write_nnunet_folder,
)
from one_command import folder_of, words_for
from record import record

CASES = 40
STEPS = 4
"""Timed, after one that is not."""
ROUNDS = 3
WAYS: dict[str, tuple[str, ...]] = {
    "nnU-Net": ("0 workers", "2 workers"),
    "hounsfield, the same network": ("",),
    "hounsfield, its own network": ("",),
}
"""What is compared, and the ways to run it, of which the fastest counts."""
AIM = 2.0
"""Windows a second of the same network, of nnU-Net's."""


def run_nnunet(folder: Path) -> None:
    """Steps of its trainer, as its `run_training` makes them, on the CPU."""
    trainer = nnunet_trainer(folder, nnunet_plans(folder))
    report(lambda: trainer.train_step(next(trainer.dataloader_train)), trainer.batch_size)


def run_hounsfield(folder: Path, *, own: bool) -> None:
    """Steps of our loop, with nnU-Net's network, windows and batches, or with those of our plan."""
    import numpy as np
    import torch

    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.segmentation import for_segmentation
    from hounsfield.learning.choosing import choose_plan_and_split
    from hounsfield.learning.lessons import lesson_of
    from hounsfield.learning.masked import prepare_masked
    from hounsfield.learning.supervised import setup

    torch.set_num_threads(THREADS)
    dataset = for_segmentation(open_dataset(Path(words_for(EXAMPLE)[0]), root=folder_of(EXAMPLE)))
    with contextlib.redirect_stdout(sys.stderr):
        plan, _ = choose_plan_and_split(dataset, minutes=10, seed=0, network="unet")
    theirs = nnunet_plans(folder)["configurations"]["3d_fullres"]
    if not own:
        shape = tuple(theirs["patch_size"])
        chosen = plan.optimisation.model_copy(update={"batch_size": theirs["batch_size"]})
        plan = plan.model_copy(update={"input": plan.input.model_copy(update={"shape": shape}), "optimisation": chosen})
    run = setup(plan, member=0)
    if not own:
        run = with_network(run, plan, nnunet_network(theirs))
    with tempfile.TemporaryDirectory() as work:
        inputs = prepare_masked(dataset, dataset.cases[:CASES], plan, Path(work), threads=THREADS)
        lesson = lesson_of(plan, inputs)
        size = plan.optimisation.batch_size
        rng = np.random.default_rng(0)
        generator = torch.Generator().manual_seed(0)
        run.wrapped.train()
        report(lambda: lesson.taught(run, plan, rng.choice(len(inputs.cases), size, replace=False), generator), size)


def nnunet_network(configuration: dict[str, Any]) -> Any:
    """nnU-Net's network, called as ours are: `deep` asks for all resolutions."""
    import pydoc

    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from torch import nn

    chosen = configuration["architecture"]
    assert chosen["network_class_name"].endswith(".PlainConvUNet"), chosen["network_class_name"]
    options = dict(chosen["arch_kwargs"])
    for key in chosen["_kw_requires_import"]:
        options[key] = pydoc.locate(options[key]) if options[key] else None

    class Called(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = PlainConvUNet(input_channels=1, num_classes=3, deep_supervision=True, **options)

        def forward(self, images: Any, *, deep: bool = False) -> Any:
            found = self.inner(images)
            return found if deep else found[0]

    return Called()


def with_network(run: Any, plan: Any, network: Any) -> Any:
    """The same setup around another network."""
    from hounsfield.learning.auxiliary import WithHeads
    from hounsfield.learning.lesson import Setup
    from hounsfield.learning.supervised import OPTIMIZERS
    from hounsfield.tasks.predict import network_in_order

    network = network_in_order(network, channels_last=plan.optimisation.channels_last)
    with_heads = WithHeads(network, plan.auxiliary)
    chosen = plan.optimisation
    optimizer = OPTIMIZERS[chosen.optimizer](network.parameters(), lr=chosen.learning_rate, fused=True)
    wrapped, wrapped_optimizer = run.fabric.setup(with_heads, optimizer)
    return Setup(run.fabric, network, with_heads, wrapped, wrapped_optimizer)


def report(step: Callable[[], object], size: int) -> None:
    """Time steps, and print windows a second and CPU seconds a window as JSON."""
    step()
    cpu, began = _cpu_seconds(), time.perf_counter()
    for _ in range(STEPS):
        step()
    seconds, cpu = time.perf_counter() - began, _cpu_seconds() - cpu
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    windows = STEPS * size
    found = {"per_s": windows / seconds, "cpu_s": cpu / windows, "batch": size, "peak_mib": peak / 1024}
    print("RESULT " + json.dumps(found), flush=True)
    os._exit(0)  # workers of loaders that wait for ever


def _cpu_seconds() -> float:
    """Of this process and of its workers, as far as they have ended or are still there."""
    import psutil

    process = psutil.Process()
    family = [process, *process.children(recursive=True)]
    return float(sum(sum(one.cpu_times()[:2]) for one in family))


def measure(python: str, what: str, way: str, folder: Path) -> dict[str, float] | None:
    """What one process measured; None where it could not run."""
    try:
        found = in_child(python, __file__, (what, str(folder)), folder, workers=int(way.split()[0]) if way else 1)
    except RuntimeError as error:
        if what == "prepare":
            raise
        print(f"{what} {way}: {error}", file=sys.stderr)
        return None
    return found[0] if found else None


def run_one(what: str, folder: Path) -> None:
    """What a child process does."""
    if what == "prepare":
        prepare_nnunet()
    elif what == "nnU-Net":
        run_nnunet(folder)
    else:
        run_hounsfield(folder, own="own" in what)


def main() -> int:
    """Run all in turn and record the fastest of each; 1 when the aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has nnunetv2 too")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    if arguments.one:
        run_one(arguments.one[0], Path(arguments.one[1]))
        return 0
    if not (version := nnunet_version(arguments.python)):
        return 0
    best: dict[tuple[str, str], dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as work:
        write_nnunet_folder(Path(work), cases_there()[:CASES])
        measure(arguments.python, "prepare", "", Path(work))
        plan = nnunet_plans(Path(work))["configurations"]["3d_fullres"]
        for _ in range(arguments.rounds):
            for what, ways in WAYS.items():
                for way in ways:
                    found = measure(arguments.python, what, way, Path(work))
                    if found and found["per_s"] > best.get((what, way), {"per_s": 0.0})["per_s"]:
                        best[what, way] = found
    theirs = max((one["per_s"] for (what, _), one in best.items() if what == "nnU-Net"), default=0.0)
    rows = [
        {
            "what": what,
            "how": way,
            "windows_per_s": round(one["per_s"], 2),
            "times_nnunet": round(one["per_s"] / theirs, 2) if theirs else "",
            "cpu_s_a_window": round(one["cpu_s"], 2),
            "batch": int(one["batch"]),
            "peak_mib": round(one["peak_mib"]),
        }
        for (what, way), one in best.items()
    ]
    options = plan["architecture"]["arch_kwargs"]
    record(
        "outlining_training",
        f"Training a 3-D U-Net on volumes of the hippocampus, windows a second, {THREADS} threads, cutting out and "
        "changing windows included.",
        rows,
        packages=("torch", "lightning-fabric"),
        notes=(
            f"nnunetv2 {version}: its trainer's own steps (batchgenerators, SGD, deep supervision, "
            f"float32 on a CPU), windows of {' × '.join(map(str, plan['patch_size']))}, features "
            f"{options['features_per_stage']}. Workers: processes that change windows.",
            "hounsfield, the same network: nnU-Net's, with its windows and batches, in our loop (Muon, the precision "
            "that the plan measured as faster). Its own network: with the windows and batches of its plan.",
            f"The fastest of {arguments.rounds} rounds in which all take turns, {STEPS} steps after the first, each in "
            "a process of its own.",
        ),
    )  # fmt: skip
    same = best.get(("hounsfield, the same network", ""), {"per_s": 0.0})["per_s"]
    return int(not theirs or same < AIM * theirs)


if __name__ == "__main__":
    sys.exit(main())
