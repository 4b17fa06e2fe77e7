"""Two models on the same cases: is one better, or is it luck?

Every score of both is drawn again from the same patients, and the differences of each draw give the interval: cases
that are hard for one model are mostly hard for the other, so the difference is known better than either score. For the
area under the ROC curve of two classes DeLong's test stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.bootstrap import RESAMPLES, draw_scores
from hounsfield.evaluation.delong import AreaDifference, compare_areas
from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.measured import FEW_PATIENTS, patients_behind
from hounsfield.evaluation.predictions import Predictions, predictions_of
from hounsfield.evaluation.scores import scores_of
from hounsfield.findings.model import ModelIdentity

FEWEST_BEHIND = 5
"""Patients behind a score, those of the rarest class where it needs several, below which nothing is known."""


@dataclass(frozen=True)
class Difference:
    """One score of two models."""

    first: float
    second: float
    difference: Score
    """First less second, with its 95 % interval."""
    p_value: float
    """Two-sided, from the draws: how often a difference lies on the other side of 0; 1 / draws at the least."""


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases."""

    first: ModelIdentity
    second: ModelIdentity
    dataset: str
    split: str
    cases: int
    patients: int
    classes: tuple[str, ...]
    differences: Mapping[str, Difference]
    """By score, in the order of `evaluation.scores.SCORES`."""
    areas: AreaDifference | None
    """DeLong's test; None with more than two classes, and where fewer than two patients are of one of the two."""
    agreement: float
    """Share of the cases that both models call the same."""
    resamples: int
    notes: tuple[str, ...]


def compare(first: Evidence, second: Evidence, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """The differences of two models on the cases that both were measured on.

    Args:
        first: What was measured of one model.
        second: And of the other, on the same data.
        resamples: Draws of patients.
        seed: Of the draws.

    Raises:
        EvaluationError: They share no case, answer other classes, or disagree on what a case is.
    """
    if first.classes != second.classes:
        raise EvaluationError(
            f"{first.model.name} answers {', '.join(first.classes)}, {second.model.name} answers "
            f"{', '.join(second.classes)}: only models of the same classes can be compared"
        )
    shared, notes = _shared(first, second)
    both = [predictions_of(evidence, shared) for evidence in (first, second)]
    values = [scores_of(predictions) for predictions in both]
    draws = [draw_scores(predictions, resamples=resamples, seed=seed) for predictions in both]
    behind = [patients_behind(predictions) for predictions in both]
    differences = {
        name: _difference(
            values[0][name],
            values[1][name],
            draws[0][name] - draws[1][name],
            min(patients[name] for patients in behind),
        )
        for name in values[0]
        if not np.isnan(values[0][name] + values[1][name])
    }
    unknown = [name for name in differences if min(patients[name] for patients in behind) < FEWEST_BEHIND]
    if unknown:
        notes.append(
            f"Fewer than {FEWEST_BEHIND} patients behind {', '.join(unknown)}: whether the models differ is unknown, "
            "and the interval is all of [-1, 1]."
        )
    if both[0].patients < FEW_PATIENTS:
        notes.append(f"{both[0].patients} patients only: intervals from so few are too narrow.")
    return Comparison(
        first=first.model,
        second=second.model,
        dataset=first.dataset,
        split=first.split if first.split == second.split else f"{first.split} and {second.split}",
        cases=len(shared),
        patients=both[0].patients,
        classes=first.classes,
        differences=differences,
        areas=_areas(*both),
        agreement=float(np.mean(both[0].called == both[1].called)),
        resamples=resamples,
        notes=tuple(notes),
    )


def _shared(first: Evidence, second: Evidence) -> tuple[list[str], list[str]]:
    """Ids of the cases that both were measured on, and what a reader must know."""
    known = {result.case: result for result in second.results}
    shared = [result.case for result in first.results if result.case in known]
    if not shared:
        raise EvaluationError(
            f"{first.model.name} was measured on {len(first.results)} cases of {first.dataset} ({first.split}), "
            f"{second.model.name} on {len(second.results)} of {second.dataset} ({second.split}), and no case is among "
            "both: give data that neither has seen"
        )
    for result in first.results:
        other = known.get(result.case)
        if other is not None and (other.target, other.patient) != (result.target, result.patient):
            raise EvaluationError(
                f"the case {result.case!r} is {first.classes[result.target]} of patient {result.patient} in one, "
                f"{second.classes[other.target]} of patient {other.patient} in the other: these are not the same data"
            )
    notes = list(dict.fromkeys(note for evidence in (first, second) for note in evidence.notes))
    for evidence in (first, second):
        if left := len(evidence.results) - len(shared):
            notes.append(
                f"{left} of {len(evidence.results)} cases of {evidence.model.name} left out: only one has them."
            )
    if first.dataset != second.dataset:
        notes.append(f"The data are called {first.dataset} in one and {second.dataset} in the other.")
    return shared, notes


def _difference(first: float, second: float, draws: FloatArray, patients: int) -> Difference:
    score, basis = percentile_score(first - second, draws, patients=patients, bounded=False)
    usable = draws[~np.isnan(draws)]
    if basis != "unknown" and np.all(usable == 0):
        return Difference(first, second, score, 1.0)
    if basis == "unknown" or patients < FEWEST_BEHIND or np.ptp(usable) == 0:
        return Difference(first, second, replace(score, low=-1.0, high=1.0), 1.0)
    beyond = min(float(np.mean(usable <= 0)), float(np.mean(usable >= 0)))
    return Difference(first, second, score, min(1.0, max(2 * beyond, 1 / len(usable))))


def _areas(first: Predictions, second: Predictions) -> AreaDifference | None:
    target = first.target == 1
    if first.classes != 2 or target.all() or not target.any():
        return None
    found = compare_areas(target, first.probabilities[:, 1], second.probabilities[:, 1], first.patient)
    if not np.isfinite(found.error) or (found.error == 0 and found.value != 0):  # too few cases to vary
        return None
    return found
