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

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.bootstrap import RESAMPLES, draw_scores
from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.evaluation.intervals import LEVEL
from hounsfield.evaluation.paired import paired_scores
from hounsfield.evaluation.predictions import Predictions, predictions_of
from hounsfield.evaluation.scores import scores_of
from hounsfield.evaluation.shared import patients_among, shared_cases, shared_notes

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
    cases: int
    """That it rests on."""


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
    """Of images as a whole; none where nothing is said of them, as of the next one."""
    together: Mapping[str, float]
    """The scores of all trainings answering together, their probabilities averaged."""
    notes: tuple[str, ...]
    named: Mapping[str, Mapping[str, OverSeeds]]
    """By name of the landmark, label or kind of lesions, those of all together first, and score, as `paired.Paired`: of
    labels on the images on which one is or any training found it, of distances where all did."""
    unit: str
    """Of the distances among these; empty where there is none."""


def over_seeds(evidences: Sequence[Evidence], *, resamples: int = RESAMPLES, seed: int = 0) -> Seeds:
    """What several trainings give together.

    Args:
        evidences: Of each, measured on the same cases of the same data.
        resamples: Draws of patients and trainings.
        seed: Of the draws.

    Raises:
        EvaluationError: Fewer than two; or they answer something else, share no case, or disagree on what one is.
    """
    if len(evidences) < FEWEST:
        raise EvaluationError(f"several trainings are needed, at least {FEWEST}, to say how much a seed matters")
    shared = shared_cases(evidences)
    pairs = paired_scores(evidences, shared)
    taken = np.random.default_rng(seed).integers(0, len(evidences), size=(resamples, len(evidences)))
    scores, together = _of_the_whole(evidences, shared, taken, seed) if pairs.beside_the_whole else ({}, {})
    named: dict[str, dict[str, OverSeeds]] = {}
    for one in pairs.scores:
        draws = one.draws(resamples=resamples, seed=seed)
        named.setdefault(one.name, {})[one.score] = _over(one.figures, draws, taken, one.cases)
    return Seeds(
        models=tuple(evidence.model.name for evidence in evidences),
        dataset=evidences[0].dataset,
        split=evidences[0].split,
        cases=len(shared),
        patients=patients_among(evidences[0], shared),
        classes=evidences[0].classes,
        scores=scores,
        together=together,
        notes=(*shared_notes(evidences, shared), *pairs.notes),
        named=named,
        unit=pairs.unit,
    )


def _of_the_whole(
    evidences: Sequence[Evidence], shared: Sequence[str], taken: IntArray, seed: int
) -> tuple[dict[str, OverSeeds], dict[str, float]]:
    """Scores of images as a whole, and those of all trainings answering together."""
    each = [predictions_of(evidence, shared) for evidence in evidences]
    values = [scores_of(predictions) for predictions in each]
    draws = [draw_scores(predictions, resamples=len(taken), seed=seed) for predictions in each]
    scores = {}
    for name in values[0]:
        own = np.array([one[name] for one in values])
        if not np.isnan(own).any():
            scores[name] = _over(own, np.stack([one[name] for one in draws]), taken, len(shared))
    averaged = np.mean([predictions.probabilities for predictions in each], axis=0)
    threshold = float(np.mean([predictions.threshold for predictions in each]))
    together = scores_of(Predictions(each[0].target, averaged, each[0].patient, threshold))
    return scores, {name: value for name, value in together.items() if name in scores}


def _over(values: FloatArray, draws: FloatArray, taken: IntArray, cases: int) -> OverSeeds:
    """One score of trainings.

    Args:
        values: (trainings,) on all cases.
        draws: (trainings, resamples) on draws of patients.
        taken: (resamples, trainings), the trainings of each draw.
        cases: Behind the score.
    """
    means = np.take_along_axis(draws.T, taken, axis=1).mean(axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail]).tolist()
    return OverSeeds(Score(float(values.mean()), low, high), float(values.std(ddof=1)), tuple(values.tolist()), cases)
