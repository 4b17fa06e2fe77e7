"""Several trainings that differ in their seed alone, as one result: what a recipe gives, whichever run was lucky.

Two things vary: which patients were measured on, and the seed. The interval of the mean holds both: every draw takes
patients, and as many of the trainings, with replacement.

Reference:
    Bouthillier et al., "Accounting for variance in machine learning benchmarks" (2021), arXiv:2103.03098.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.bootstrap import RESAMPLES, draw_scores
from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.evaluation.measured import FEW_PATIENTS
from hounsfield.evaluation.predictions import Predictions, predictions_of
from hounsfield.evaluation.scores import scores_of

FEWEST = 2


@dataclass(frozen=True)
class OverSeeds:
    """One score of several trainings."""

    mean: Score
    """With the interval that other patients and other seeds would give."""
    spread: float
    """Standard deviation over the trainings."""
    values: tuple[float, ...]
    """Of each training, in the order given."""


@dataclass(frozen=True)
class Seeds:
    """Several trainings on the same cases."""

    models: tuple[str, ...]
    dataset: str
    split: str
    cases: int
    patients: int
    classes: tuple[str, ...]
    scores: Mapping[str, OverSeeds]
    together: Mapping[str, float]
    """The scores of all trainings answering together, their probabilities averaged."""
    notes: tuple[str, ...]


def over_seeds(evidences: Sequence[Evidence], *, resamples: int = RESAMPLES, seed: int = 0) -> Seeds:
    """What several trainings give together.

    Args:
        evidences: Of each, measured on the same cases of the same data.
        resamples: Draws of patients and trainings.
        seed: Of the draws.

    Raises:
        EvaluationError: Fewer than two, other classes, or no case in common.
    """
    if len(evidences) < FEWEST:
        raise EvaluationError(f"several trainings are needed, at least {FEWEST}, to say how much a seed matters")
    first = evidences[0]
    for other in evidences[1:]:
        if other.classes != first.classes:
            raise EvaluationError(
                f"{first.model.name} answers {', '.join(first.classes)}, {other.model.name} answers "
                f"{', '.join(other.classes)}: these are no trainings of one recipe"
            )
    shared = _shared(evidences)
    each = [predictions_of(evidence, shared) for evidence in evidences]
    values = [scores_of(predictions) for predictions in each]
    draws = [draw_scores(predictions, resamples=resamples, seed=seed) for predictions in each]
    taken = np.random.default_rng(seed).integers(0, len(each), size=(resamples, len(each)))
    scores = {}
    for name in values[0]:
        own = np.array([one[name] for one in values])
        if np.isnan(own).any():
            continue
        drawn = np.stack([one[name] for one in draws], axis=1)
        means = np.take_along_axis(drawn, taken, axis=1).mean(axis=1)
        low, high = np.nanquantile(means, [0.025, 0.975])
        spread = float(own.std(ddof=1))
        scores[name] = OverSeeds(Score(float(own.mean()), float(low), float(high)), spread, tuple(own.tolist()))
    averaged = np.mean([predictions.probabilities for predictions in each], axis=0)
    threshold = float(np.mean([predictions.threshold for predictions in each]))
    together = scores_of(Predictions(each[0].target, averaged, each[0].patient, threshold))
    return Seeds(
        models=tuple(evidence.model.name for evidence in evidences),
        dataset=first.dataset,
        split=first.split,
        cases=len(shared),
        patients=each[0].patients,
        classes=first.classes,
        scores=scores,
        together={name: value for name, value in together.items() if name in scores},
        notes=_notes(evidences, shared, each[0].patients),
    )


def _shared(evidences: Sequence[Evidence]) -> list[str]:
    """Ids of the cases that all were measured on."""
    targets = [{result.case: (result.target, result.patient) for result in evidence.results} for evidence in evidences]
    shared = [case for case in targets[0] if all(case in other for other in targets[1:])]
    if not shared:
        raise EvaluationError("no case was measured with all of them: give data that none has seen")
    for case in shared:
        if len({other[case] for other in targets}) > 1:
            raise EvaluationError(f"the case {case!r} is not the same in all of them: these are not the same data")
    return shared


def _notes(evidences: Sequence[Evidence], shared: Sequence[str], patients: int) -> tuple[str, ...]:
    notes = list(dict.fromkeys(note for evidence in evidences for note in evidence.notes))
    for evidence in evidences:
        if left := len(evidence.results) - len(shared):
            notes.append(
                f"{left} of {len(evidence.results)} cases of {evidence.model.name} left out: not all have them."
            )
    if len({evidence.model.sha256 for evidence in evidences}) < len(evidences):
        notes.append("A model is among them twice.")
    if patients < FEW_PATIENTS:
        notes.append(f"{patients} patients only: intervals from so few are too narrow.")
    return tuple(notes)
