"""How well does nnU-Net outline after some minutes on this machine?

Its 3d_fullres configuration learns hippocampi by its own trainer, with the batch that its planner chooses and with one
of two, from the cases that `outlining.py` learns from, and is measured on those that are validated on there, by
nnU-Net's own validation (mirrored copies among it). Minutes are those of learning alone: preparing and validating come
on top. The rate falls over 1000 epochs, as it does by default. `--python` is an interpreter of an environment that has
nnunetv2 beside Hounsfield.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nnunet import (
    DATASET,
    EXAMPLE,
    in_child,
    nnunet_plans,
    nnunet_trainer,
    nnunet_version,
    prepare_nnunet,
    write_nnunet_folder,
)
from one_command import folder_of, words_for
from record import record

BATCHES = (0, 2)
"""Windows a step; 0: as many as its planner says."""
MINUTES = (3.0, 10.0, 20.0, 45.0)


def cases_of_split(seed: int) -> dict[str, list[str]]:
    """The cases that are learned from and those that are validated on, as `hounsfield train` splits them."""
    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.segmentation import for_segmentation
    from hounsfield.datasets.split import make_split

    dataset = for_segmentation(open_dataset(Path(words_for(EXAMPLE)[0]), root=folder_of(EXAMPLE)))
    split = make_split(dataset, seed=seed)
    return {
        part: [case.image.path.name.removesuffix(".nii.gz") for case in split.select(dataset, part)]
        for part in ("train", "val")
    }


def learn(folder: Path, batch: int, minutes: list[float]) -> None:
    """Train, and print what is reached after each number of minutes."""
    plans = nnunet_plans(folder)
    configuration = plans["configurations"]["3d_fullres"]
    configuration["batch_size"] = batch or configuration["batch_size"]
    trainer = nnunet_trainer(folder, plans)
    seconds, cpu, steps = 0.0, 0.0, 0
    for mark in minutes:
        while seconds < 60 * mark:
            began, before = time.perf_counter(), time.process_time()
            trainer.train_step(next(trainer.dataloader_train))
            seconds, cpu, steps = seconds + time.perf_counter() - began, cpu + time.process_time() - before, steps + 1
        with contextlib.redirect_stdout(sys.stderr):
            trainer.perform_actual_validation()
            trainer.set_deep_supervision_enabled(True)
            trainer.network.train()
        said = json.loads((Path(trainer.output_folder) / "validation" / "summary.json").read_text())
        dice = [said["mean"][label]["Dice"] for label in ("1", "2")]
        found = {
            "minutes": mark,
            "cpu_minutes": round(cpu / 60, 1),
            "steps": steps,
            "batch": configuration["batch_size"],
            "dice": round(sum(dice) / 2, 4),
            "anterior": round(dice[0], 4),
            "posterior": round(dice[1], 4),
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print("RESULT " + json.dumps(found), flush=True)
    os._exit(0)  # workers of loaders that wait for ever


def main() -> int:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has nnunetv2 too")
    parser.add_argument("--minutes", nargs="+", type=float, default=MINUTES, metavar="M")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, metavar="N", help="0: as it plans")
    arguments = parser.parse_args()
    if arguments.one:
        folder, batch, *minutes = arguments.one
        if batch == "prepare":
            prepare_nnunet()
        else:
            learn(Path(folder), int(batch), [float(one) for one in minutes])
        return 0
    if not (version := nnunet_version(arguments.python)):
        return 0
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as work:
        split = cases_of_split(0)
        write_nnunet_folder(Path(work), [*split["train"], *split["val"]])
        in_child(arguments.python, __file__, (work, "prepare"), Path(work))
        place = Path(work) / "preprocessed" / DATASET / "splits_final.json"
        place.write_text(json.dumps([split]), encoding="utf-8")
        for batch in arguments.batches:
            words = (work, str(batch), *map(str, arguments.minutes))
            rows += in_child(arguments.python, __file__, words, Path(work))
            for row in rows:
                row.setdefault("date", datetime.datetime.now(datetime.UTC).date().isoformat())
            record(
                "nnunet_minutes",
                "nnU-Net's 3d_fullres after some minutes of learning on hippocampi, two threads.",
                rows,
                packages=("torch",),
                notes=(
                    f"nnunetv2 {version}. {len(split['train'])} cases to learn from, {len(split['val'])} to measure "
                    f"on, those of `hounsfield train {EXAMPLE}.toml`; dice: mean over cases, of both labels.",
                ),
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
