"""What a model could reach at a wished sensitivity or specificity, with its interval."""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import Attainable
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.ranking import counts_of, ranking_of
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.evaluation.threshold import choose_threshold

WISHES = (("specificity", 0.9), ("specificity", 0.95), ("sensitivity", 0.9), ("sensitivity", 0.95))


def attainable_of(predictions: Predictions, *, resamples: int, seed: int) -> tuple[Attainable, ...]:
    """For each of `WISHES` what the other score reaches, of predictions of two classes that both occur.

    Every bootstrap draw of patients chooses its own threshold, so that the interval holds the uncertainty of that
    choice too. The threshold is that of these cases: it would reach a little less on new ones.
    """
    positive, probability = predictions.target == 1, predictions.probabilities[:, 1]
    draws = {wish: _draws(predictions, *wish, resamples=resamples, seed=seed) for wish in WISHES}
    found = []
    for (kept, least), reached in draws.items():
        point = choose_threshold(positive, probability, f"{kept}>={least}")
        other = "sensitivity" if kept == "specificity" else "specificity"
        value = getattr(point, other)
        behind = predictions.patient[positive if other == "sensitivity" else ~positive]
        score, _ = percentile_score(value, reached, patients=len(np.unique(behind)))
        found.append(Attainable(rule=point.rule, threshold=point.threshold, score=other, reached=score))
    return tuple(found)


def _draws(predictions: Predictions, kept: str, least: float, *, resamples: int, seed: int) -> FloatArray:
    """(resamples,): the most that the other score reaches in each draw where `kept` is at least `least`."""
    sought, score = predictions.target == 1, predictions.probabilities[:, 1]
    if kept == "sensitivity":  # the same question, asked of the negative cases from the lowest probability up
        sought, score = ~sought, -score
    ranking = ranking_of(sought, score)
    blocks = []
    for weights in patient_weights(predictions.patients, resamples=resamples, seed=seed, cases=predictions.cases):
        counts = counts_of(ranking, weights[:, predictions.patient])
        allowed = counts.false_after <= (1 - least) * counts.negatives[:, None] + 1e-9
        most = np.where(allowed, counts.found, 0.0).max(axis=1, initial=0.0)
        nothing = np.full(len(most), np.nan)
        blocks.append(np.divide(most, counts.positives, out=nothing, where=counts.both))
    return np.concatenate(blocks)
