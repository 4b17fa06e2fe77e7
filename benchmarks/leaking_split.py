"""What does a leaking split pretend? The same network, trained for the same minutes on as many images, twice: once with
copies of the test images among those it learns from, and once without.

In the data some exposures are there twice. One image of each such pair is tested on. The leaking split leaves its copy
among the images learned from, as a random split by image does; the honest one puts as many images of other patients
there. Network, minutes, test images and the number of training images are the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from one_command import EXAMPLES, folder_of, most_probable_right
from record import record

from hounsfield.bundle import read_bundle
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import Part, Split
from hounsfield.learning.train import train
from hounsfield.reading.evaluate import evaluate

DATA = ("lc25000_lung", "busi_ultrasound")
NETWORK = "tf_efficientnet_lite0"
MINUTES = 3.0
SEEDS = 3
HELD_FOR_VALIDATION = 0.1


def main() -> int:
    """Train both ways, measure on the same images, record; 1 when the leak pretends nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="M")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N")
    arguments = parser.parse_args()
    absent = [name for name in arguments.data if not folder_of(name).is_dir()]
    if absent:
        print(f"there are no images of {', '.join(absent)}: nothing is measured", file=sys.stderr)
        return 0
    rows: list[dict[str, object]] = []
    for name in arguments.data:
        for seed in range(arguments.seeds):
            rows += both(name, seed, arguments.minutes)
            write([*rows, *means(rows)], arguments.minutes)
    gaps = [float(str(row["leaking"])) - float(str(row["honest"])) for row in means(rows)]
    return int(min(gaps) <= 0)


def both(name: str, seed: int, minutes: float) -> list[dict[str, object]]:
    """A row: accuracy of the most probable class by both splits."""
    dataset = open_dataset(EXAMPLES / f"{name}.toml", root=folder_of(name))
    accuracy, counts = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        for kind, parts in splits_of(dataset, seed).items():
            own = nobody_known(dataset, parts)
            chosen = Split(parts, {case: case for case in parts}, seed, (0.8, 0.1, 0.1), "by hand", own.name)
            out = Path(temporary) / kind
            train(own, out, minutes=minutes, seed=seed, network=NETWORK, split=chosen)
            evidence = evaluate(read_bundle(out), own, resamples=10).evidence
            accuracy[kind] = most_probable_right(evidence.as_json())
            counts[kind] = sum(part == "train" for part in parts.values()), evidence.cases
    learned, tested = counts["honest"]
    return [
        {
            "data": name,
            "seed": seed,
            "learned from": learned,
            "tested on": tested,
            "leaking": round(accuracy["leaking"], 4),
            "honest": round(accuracy["honest"], 4),
        }
    ]


def splits_of(dataset: Dataset, seed: int) -> dict[str, dict[str, Part]]:
    """The part of each case, by both splits; cases in none are left out."""
    rng = np.random.default_rng(seed)
    of_patient: dict[str, list[str]] = defaultdict(list)
    for case in dataset.cases:
        of_patient[case.patient].append(case.id)
    pairs = [own for own in of_patient.values() if len(own) > 1]
    alone = [own[0] for own in of_patient.values() if len(own) == 1]
    rng.shuffle(alone)
    tested, copies = [own[0] for own in pairs], [one for own in pairs for one in own[1:]]
    validated = alone[: round(HELD_FOR_VALIDATION * len(dataset.cases))]
    rest = alone[len(validated) :]
    common = rest[: len(rest) - len(copies)]
    learned = {"leaking": [*common, *copies], "honest": [*common, *rest[len(common) :]]}
    found: dict[str, dict[str, Part]] = {}
    for kind, own in learned.items():
        named: dict[Part, list[str]] = {"train": own, "val": validated, "test": tested}
        found[kind] = {case: part for part, cases in named.items() for case in cases}
    return found


def nobody_known(dataset: Dataset, parts: dict[str, Part]) -> Dataset:
    """The cases of the parts, each as if of a patient of its own: as such data come."""
    cases = tuple(replace(case, patient=case.id, part=None) for case in dataset.cases if case.id in parts)
    return replace(dataset, cases=cases)


def means(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The mean over the seeds for each data set."""
    found = []
    for name in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == name]
        means_of = {
            kind: round(float(np.mean([float(str(row[kind])) for row in own])), 4) for kind in ("leaking", "honest")
        }
        found.append({**own[0], "seed": "mean", **means_of})
    return found


def write(rows: list[dict[str, object]], minutes: float) -> None:
    """Record what there is so far."""
    record(
        "leaking_split",
        f"Accuracy of the most probable class of {NETWORK}, {minutes:g} minutes, on the same test images: by a split "
        "that leaves their copies among the images learned from, and by one that does not.",
        rows,
        packages=("torch", "timm"),
        notes=(
            "Every test image has a copy (turned, or compressed again) in the data: what a random split by image would "
            "give some of the test images, the leaking split gives all.",
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
