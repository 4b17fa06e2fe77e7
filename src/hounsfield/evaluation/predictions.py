"""`Predictions`: what was said of each case, as checked arrays: what all scores are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.datasets.case import Case
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import CaseResult, Evidence

SUM_TOLERANCE = 1e-4
"""How far the probabilities of a case may miss the sum 1; float32 softmax stays below 1e-6, bfloat16 does not."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Target, probabilities and patient of n cases, and the operating point."""

    target: IntArray
    """(n,), class index of each case."""
    probabilities: FloatArray
    """(n, classes) float64."""
    patient: IntArray
    """(n,), 0 … patients - 1: cases with one number belong to one patient and are resampled together."""
    threshold: float
    """Of two classes, a case is called the second when its probability reaches this; else the largest decides."""

    @property
    def classes(self) -> int:
        """How many classes there are, whether they occur or not."""
        return int(self.probabilities.shape[1])

    @property
    def cases(self) -> int:
        """n."""
        return len(self.target)

    @cached_property
    def patients(self) -> int:
        """How many different patients there are."""
        return int(self.patient.max()) + 1

    @cached_property
    def called(self) -> IntArray:
        """(n,), the class each case was given; of equal largest probabilities the first class."""
        if self.classes == 2:
            return (self.probabilities[:, 1] >= self.threshold).astype(np.int64)
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def confidence(self) -> tuple[BoolArray, FloatArray]:
        """What calibration is about, two (n,): of two classes whether a case is the second, and how probable that was
        said to be; of more whether the most probable is right, and how probable it was said to be."""
        if self.classes == 2:
            return self.target == 1, self.probabilities[:, 1]
        return self.target == self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)

    def __getitem__(self, chosen: BoolArray) -> Predictions:
        """The cases where `chosen`, (n,), is true; patients are numbered anew."""
        patient = np.unique(self.patient[chosen], return_inverse=True)[1]
        return Predictions(self.target[chosen], self.probabilities[chosen], patient, self.threshold)


def predictions_from(results: Sequence[CaseResult], *, classes: Sequence[str], threshold: float) -> Predictions:
    """The results as checked arrays.

    Patients are numbered in the order of their ids, so that the order of the cases changes no interval.

    Raises:
        EvaluationError: There is no case or only one class name, a case comes twice or has no patient, a target is
            not an index into `classes`, or probabilities are missing, outside [0, 1] or do not sum to 1.
    """
    if not results:
        raise EvaluationError("there are no predictions to measure: the evaluated part of the data set holds no case")
    if len(classes) < 2:
        raise EvaluationError(f"scores need at least two classes, not {list(classes)}")
    if not np.isfinite(threshold):
        raise EvaluationError(f"the threshold must be a number, not {threshold}; choose it on validation data")
    seen: set[str] = set()
    for result in results:
        _check(result, classes, seen)
    patient = np.unique([result.patient for result in results], return_inverse=True)[1]
    return Predictions(
        target=np.array([result.target for result in results], dtype=np.int64),
        probabilities=np.array([result.probabilities for result in results], dtype=np.float64),
        patient=patient,
        threshold=float(threshold),
    )


def _check(result: CaseResult, classes: Sequence[str], seen: set[str]) -> None:
    if result.case in seen:
        raise EvaluationError(f"case {result.case!r} was measured twice; every case counts once")
    seen.add(result.case)
    if not result.patient:
        raise EvaluationError(f"case {result.case!r} names no patient; give its own id where patients are unknown")
    if not 0 <= result.target < len(classes):
        raise EvaluationError(
            f"case {result.case!r} has target {result.target}, expected an index into the {len(classes)} classes"
        )
    if len(result.probabilities) != len(classes):
        raise EvaluationError(
            f"case {result.case!r} has {len(result.probabilities)} probabilities, expected one for each of "
            f"the {len(classes)} classes"
        )
    if not all(0 <= probability <= 1 for probability in result.probabilities):  # NaN fails this, too
        raise EvaluationError(
            f"case {result.case!r} has probabilities {list(result.probabilities)}, expected numbers in [0, 1]; "
            "pass the softmax of the network's output, not the output itself"
        )
    total = sum(result.probabilities)
    if abs(total - 1) > SUM_TOLERANCE:
        raise EvaluationError(
            f"the probabilities of case {result.case!r} sum to {total:.4g}, expected 1; every case has one class"
        )


def predictions_of(evidence: Evidence, cases: Sequence[str]) -> Predictions:
    """What an evidence says of some of its cases, in the order of their ids."""
    results = {result.case: result for result in evidence.results}
    return predictions_from([results[case] for case in cases], classes=evidence.classes, threshold=evidence.threshold)


def results_of(cases: Sequence[Case], probabilities: FloatArray) -> list[CaseResult]:
    """A result for each case, of probabilities (n, classes); patients who share an exposure count as one."""
    return [
        CaseResult(case.id, case.unit, int(case.target or 0), tuple(float(p) for p in row))
        for case, row in zip(cases, probabilities, strict=True)
    ]
