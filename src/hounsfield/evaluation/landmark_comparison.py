"""Two models that locate the same landmarks: whose median errors are smaller, by how much, and whether by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.bootstrap import RESAMPLES
from hounsfield.evaluation.comparison import FEWEST_BEHIND
from hounsfield.evaluation.evidence import Evidence, LocatedImage, Score
from hounsfield.evaluation.intervals import LEVEL
from hounsfield.evaluation.localization import ALL, draws_of_patients, pairs_of, quantiles_of_draws


@dataclass(frozen=True)
class LandmarkDifference:
    """The median errors of two models at one landmark, or at all."""

    name: str
    first: float
    second: float
    difference: Score
    """Of the first less the second, on the same draws of patients."""
    p_value: float
    """Twice the share of draws in which the difference has the other sign; 1 from too few patients to say."""


@dataclass(frozen=True)
class LandmarkComparison:
    """Two models side by side."""

    first: str
    second: str
    images: int
    """That both were measured on."""
    patients: int
    unit: str
    landmarks: tuple[LandmarkDifference, ...]
    """All together first."""


def compare_landmarks(
    first: Evidence, second: Evidence, *, resamples: int = RESAMPLES, seed: int = 0
) -> LandmarkComparison:
    """The differences in median error between two models on the images that both were measured on.

    Args:
        first: Of one.
        second: Of the other.
        resamples: Bootstrap draws of patients, the same for both.
        seed: Of the draws.

    Raises:
        EvaluationError: They located nothing, have no image in common, or not the same truth on one.
    """
    if first.localization is None or second.localization is None:
        raise EvaluationError("only models that both locate landmarks can be compared by their errors")
    names_of = [[one.name for one in own.localization.landmarks] for own in (first, second) if own.localization]
    if set(names_of[0]) != set(names_of[1]):
        raise EvaluationError(
            f"{first.model.name} locates {', '.join(names_of[0][1:])}, and {second.model.name} "
            f"{', '.join(names_of[1][1:])}: only models of the same landmarks can be compared"
        )
    ours = {one.case: one for one in first.localization.results}
    theirs = {one.case: one for one in second.localization.results}
    shared = [case for case in ours if case in theirs]
    if not shared:
        raise EvaluationError("the two models were measured on no image in common: measure both on the same data")
    for case in shared:
        if set(ours[case].truths) != set(theirs[case].truths):
            raise EvaluationError(f"the landmarks of {case!r} lie elsewhere in the two: measure both on the same data")
    unit = "mm" if first.localization.unit == second.localization.unit == "mm" else "pixels"
    rows = [row for case in shared for row in _errors(ours[case], theirs[case], unit)]
    names, patients = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    errors = np.array([row[2:] for row in rows], dtype=np.float64)
    groups = [(ALL, np.ones(len(rows), dtype=bool)), *((name, names == name) for name in dict.fromkeys(names.tolist()))]
    return LandmarkComparison(
        first=first.model.name,
        second=second.model.name,
        images=len(shared),
        patients=len(set(patients.tolist())),
        unit=unit,
        landmarks=tuple(
            _difference(name, errors[own], patients[own].tolist(), resamples=resamples, seed=seed)
            for name, own in groups
        ),
    )


def _errors(ours: LocatedImage, theirs: LocatedImage, unit: str) -> list[tuple[str, str, float, float]]:
    """Landmark, patient, and the two errors, of each landmark that an image shows and both located."""
    other = {truth.label: error for truth, _, error in pairs_of(theirs, unit=unit)}
    return [
        (truth.label, ours.patient, error, other[truth.label])
        for truth, _, error in pairs_of(ours, unit=unit)
        if truth.label in other
    ]


def _difference(name: str, errors: FloatArray, patients: list[str], *, resamples: int, seed: int) -> LandmarkDifference:
    weights = draws_of_patients(np.unique(patients, return_inverse=True)[1], resamples=resamples, seed=seed)
    draws = quantiles_of_draws(errors[:, 0], weights, 0.5) - quantiles_of_draws(errors[:, 1], weights, 0.5)
    one, other = np.median(errors, axis=0).tolist()
    gap = one - other
    if np.all(errors[:, 0] == errors[:, 1]):
        return LandmarkDifference(name, one, other, Score(0.0, 0.0, 0.0), 1.0)
    if len(set(patients)) < FEWEST_BEHIND:
        far = float(np.abs(errors[:, 0] - errors[:, 1]).max())
        return LandmarkDifference(name, one, other, Score(gap, -far, far), 1.0)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail]).tolist()
    beyond = min(float(np.mean(draws <= 0)), float(np.mean(draws >= 0)))
    p_value = min(1.0, max(2 * beyond, 1 / len(draws)))
    return LandmarkDifference(name, one, other, Score(gap, min(low, gap), max(high, gap)), p_value)
