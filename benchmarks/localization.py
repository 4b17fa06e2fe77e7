"""Which way of locating landmarks comes nearest? Heat maps, box regression and a walking agent, on four data sets.

Each row is one `hounsfield train --task localization` with nothing but the way, the minutes and a seed; every image is
answered by a network that had not seen its patient, and no test case is read. Beside them stands what nobody has to
learn: the mean place of other patients' landmarks. What was measured is kept, so that a run that was stopped goes on
(--anew begins again).
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from drawn import Drawn, data_folder, words_of
from one_command import choices_of, run
from questions import Row, Training, measure_all, options
from record import record

from hounsfield.evaluation.evidence import LocalizationEvidence, Located
from hounsfield.evaluation.localization import measure_localization
from hounsfield.evaluation.store import read_evidence
from hounsfield.findings.region import Point

WAYS = ("heatmap", "box_regression", "policy")
PHANTOMS = {"phantom": Drawn("landmarks.toml", patients=60)}


@dataclass(frozen=True)
class Question:
    """A data set, and how long it is learned."""

    data: str
    minutes: float


QUESTIONS = (
    Question("sunnybrook_landmarks", 6),
    Question("hippocampus_landmarks", 8),
    Question("ixi_landmarks", 8),
    Question("phantom", 5),
)


def main() -> int:
    """Train what has not been trained yet, and record all."""
    parser = options(__doc__)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, help="only these")
    parser.add_argument("--minutes", type=float, metavar="M", help="of each, instead of as many as it says")
    arguments = parser.parse_args()
    measure_all("localization", trainings(arguments), arguments, write)
    return 0


def trainings(arguments: argparse.Namespace) -> Iterator[Training]:
    """Each way, of each question."""
    for question in QUESTIONS:
        minutes = arguments.minutes or question.minutes
        for way in arguments.ways:
            yield Training(
                question.data,
                {"way": way, "minutes": minutes},
                partial(measured, question.data, way, minutes),
                data_folder(question.data, PHANTOMS),
            )


def measured(data: str, way: str, minutes: float, folder: Path) -> list[Row]:
    """The rows of one training, and that of the mean place on the same images where nobody has measured it yet."""
    words = words_of(data, PHANTOMS, folder)
    bundle = folder / f"locate-{data}-{way}"
    began = time.perf_counter()
    run("train", *words, "--task", "localization", "-o", str(bundle), "--overwrite",
        f"--minutes={minutes}", f"--network={way}", "--seed=0")  # fmt: skip
    took = (time.perf_counter() - began) / 60
    found = read_evidence(bundle / "evidence.json").localization
    if found is None:
        raise RuntimeError(f"{data}: nothing was located")
    facts = choices_of(bundle)
    told = {"took": round(took, 1), "input": facts["input"], "epochs": facts["epochs"], "networks": facts["networks"]}
    rows = rows_of(found, {"data": data, "way": way, "minutes": minutes} | told)
    if way == WAYS[0]:
        nothing = {"took": 0.0, "input": "", "epochs": 0, "networks": 0}
        rows += rows_of(mean_place(found), {"data": data, "way": "mean place", "minutes": 0.0} | nothing)
    return rows


def mean_place(found: LocalizationEvidence) -> LocalizationEvidence:
    """What the mean place of each landmark on the images of all other patients, in pixels as stored, would come to."""
    names = [one.name for one in found.landmarks[1:]]
    truths = [(one.patient, point) for one in found.results for point in one.truths]
    results = []
    for one in found.results:
        means = []
        for name in names:
            own = [(p.x, p.y, p.z) for patient, p in truths if p.label == name and patient != one.patient]
            means.append(Located(Point(*np.mean(own, axis=0).tolist(), name)))
        results.append(replace(one, found=tuple(means)))
    return measure_localization(results, landmarks=names, promised=0.0, attributes={}, resamples=1000, seed=0)


def rows_of(found: LocalizationEvidence, common: Row) -> list[Row]:
    """A row for each landmark, and one for all."""
    rows = []
    for one in found.landmarks:
        median = one.scores["median"]
        inside = one.scores.get("in_radius")
        rows.append(
            {
                "data": common["data"],
                "way": common["way"],
                "landmark": one.name,
                "images": one.images,
                "patients": one.patients,
                "unit": found.unit,
                "median": round(median.value, 2),
                "interval": f"{median.low:.2f} to {median.high:.2f}",
                "mean": round(one.scores["mean"].value, 2),
                "90 %": round(one.scores["p90"].value, 2),
                "within 3": round(one.scores["within_3"].value, 3),
                "within 6": round(one.scores["within_6"].value, 3),
                "in radius": "" if inside is None else f"{inside.value:.3f} of {found.promised:g}",
                **{key: value for key, value in common.items() if key not in ("data", "way")},
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            }
        )
    return rows


def write(rows: list[Row]) -> None:
    """Record what there is so far, in the order of the questions."""
    order = [question.data for question in QUESTIONS]
    ways = ["mean place", *WAYS]
    record(
        "localization",
        "Landmarks located in three ways: errors on images of patients that the network had not learned from.",
        sorted(rows, key=lambda row: (order.index(row["data"]), row["minutes"], ways.index(row["way"]))),
        packages=("torch", "timm"),
        notes=(
            "Each row of a way is one command with nothing but the minutes and the way; seed 0. took: minutes of the "
            "whole command. mean place: the mean of those of all other patients, in pixels of the image as stored. "
            "Ways with other folds may be validated on other patients: images and patients say so.",
            "in radius: share of the landmarks within the radius that is said of them, and the promise; the radii were "
            "chosen on these images.",
            f"Descriptions: {', '.join(f'examples/{name}.toml' for name in order if name not in PHANTOMS)}.",
            *(f"{name}: {drawn.words}." for name, drawn in PHANTOMS.items()),
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
