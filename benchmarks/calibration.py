"""Do conformal sets keep their promise, and does 0.9 mean 90 %? On patients the calibration was not chosen on.

The validation answers in a bundle, each of a network that had not seen its patient, are dealt into five parts by
patient, many times over. Each time calibration and conformal limits are chosen on four parts and measured on the fifth.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from one_command import folder_of, train
from record import record

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import read_bundle
from hounsfield.evaluation import read_evidence
from hounsfield.evaluation.bends import Bends
from hounsfield.evaluation.calibration import expected_calibration_error
from hounsfield.evaluation.conformal import COVERAGE
from hounsfield.learning.operating_point import by_others
from hounsfield.plan import Decision
from hounsfield.plan.task import task_of

DATA = ("cbis_ddsm_mass", "busi_ultrasound", "cxr_lungs_tb", "lc25000_lung", "pneumoniamnist", "breastmnist")
MINUTES = 4.0
DEALT = 20
COVERAGE_AIM, ECE_AIM = 0.02, 0.05


def main() -> int:
    """Measure and record; 1 when a promise is missed by more than the aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=list(DATA), metavar="NAME")
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="where classification.py kept its bundles")
    arguments = parser.parse_args()
    absent = [name for name in arguments.data if not folder_of(name).is_dir()]
    if absent:
        print(f"there are no images of {', '.join(absent)}: nothing is measured", file=sys.stderr)
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.data:
            folder = (arguments.bundles or Path(temporary)) / f"{name}-0"
            if not (folder / "bundle.json").is_file():
                train(name, folder, minutes=MINUTES)
            rows += measured(name, folder)
    record(
        "calibration",
        f"Conformal sets that promise {COVERAGE:.0%} of each class, and calibration, on patients that neither was "
        f"chosen on: means of {DEALT} dealings of the validation cases.",
        rows,
        packages=("torch",),
        notes=(
            "covered: share of a class's patients whose set holds the truth; decided: of all cases, those whose set is "
            "one class. The networks, and their best epochs, were chosen on these validation cases before.",
            "ece: expected calibration error, ten bins of equal mass, all cases of a dealing together; ece_if_perfect: "
            "where every truth is drawn from the probability that was said: what so few cases give by chance alone.",
        ),
    )
    return int(any(missed(row) for row in rows))


def missed(row: dict[str, object]) -> bool:
    """Whether a row misses its aim."""
    return abs(float(str(row["covered"])) - COVERAGE) > COVERAGE_AIM or float(str(row["ece"])) > ECE_AIM


def measured(name: str, folder: Path) -> list[dict[str, object]]:
    """A row for each class."""
    evidence, plan = read_evidence(folder / "evidence.json"), read_bundle(folder).plan
    probabilities = np.array([result.probabilities for result in evidence.results])
    logits: FloatArray = np.log(np.clip(probabilities, 1e-9, 1))  # calibrated along a line: fitting again undoes that
    bends = read_bundle(folder).operating.bends
    if bends:  # these are undone first
        logits = Bends(tuple((y, x) for x, y in bends)).apply(logits)
    targets: IntArray = np.array([result.target for result in evidence.results])
    patients = [result.patient for result in evidence.results]
    share = np.zeros(len(targets))  # a patient's cases of a class count as one
    for k in range(len(evidence.classes)):
        owner = np.unique(np.array(patients)[targets == k], return_inverse=True)[1]
        share[targets == k] = 1 / np.bincount(owner)[owner]
    covered, decided, errors, by_chance = [], [], [], []
    rng = np.random.default_rng(0)
    for dealing in range(DEALT):
        found = by_others(logits, targets, task_of(plan), patients, Decision(), seed=dealing)
        if found.held is None:
            continue
        true = found.held.classes[np.arange(len(targets)), targets]
        covered.append(
            [np.average(true[targets == k], weights=share[targets == k]) for k in range(len(evidence.classes))]
        )
        decided.append((found.held.classes.sum(axis=1) == 1).mean())
        errors.append(error_of(found.probabilities, targets))
        drawn = np.array([rng.choice(len(row), p=row / row.sum()) for row in found.probabilities])
        by_chance.append(error_of(found.probabilities, drawn))
    return [
        {
            "data": name,
            "class": label,
            "cases": int((targets == k).sum()),
            "patients": len(set(patients)),
            "covered": round(float(np.mean(covered, axis=0)[k]), 4),
            "spread": round(float(np.std(covered, axis=0)[k]), 4),
            "decided": round(float(np.mean(decided)), 3),
            "ece": round(float(np.mean(errors)), 4),
            "ece_if_perfect": round(float(np.mean(by_chance)), 4),
        }
        for k, label in enumerate(evidence.classes)
    ]


def error_of(said: FloatArray, targets: IntArray) -> float:
    """Expected calibration error of probabilities (n, classes)."""
    if said.shape[1] == 2:
        return expected_calibration_error(targets == 1, said[:, 1])
    return expected_calibration_error(targets == said.argmax(axis=1), said.max(axis=1))


if __name__ == "__main__":
    sys.exit(main())
