"""All scores of many bootstrap draws at once, resampled by patient.

Cases of one patient resemble each other: two films of a breast are not two observations. So whole patients are
drawn, and with each all its cases. A draw is never copied out: it is a weight for each patient, the number of times
she was drawn, and every score has a weighted form. Counts are then one matrix product for all draws, and the ranks
behind AUC and average precision are sorted once.

Reference:
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13;
    Field and Welsh, Bootstrapping clustered data, J. R. Stat. Soc. B 69 (2007), doi:10.1111/j.1467-9868.2007.00593.x.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.calibration import calibration_bins
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.ranking import Ranking, ranking_of, ranking_scores
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.evaluation.scores import SCORES
from hounsfield.progress import track

RESAMPLES = 2000
"""Draws behind an interval: its ends then move by about a twentieth of its width from seed to seed."""

_LONG = 100_000_000
"""Weighted cases of all draws and classes from which on progress is shown; about two seconds."""


def draw_scores(predictions: Predictions, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, FloatArray]:
    """The scores of every bootstrap draw, (resamples,) float64 for every name in `SCORES`.

    NaN marks a draw in which a score does not exist: AUC and average precision where only one class was drawn,
    sensitivity without a positive and specificity without a negative case, precision where nothing is called
    positive. With more than two classes the macro scores need every class that occurs in `predictions`.

    Args:
        predictions: n > 0 cases.
        resamples: Draws of as many patients as there are.
        seed: The same seed gives the same draws for all predictions on the same patients.
    """
    columns = [1] if predictions.classes == 2 else [int(k) for k in np.unique(predictions.target)]
    rankings = [ranking_of(predictions.target == k, predictions.probabilities[:, k]) for k in columns]
    sums = _sums_by_patient(predictions, columns)
    drawn = patient_weights(predictions.patients, resamples=resamples, seed=seed, cases=predictions.cases)
    blocks: list[FloatArray] = []
    for weights in _shown(drawn, work=resamples * predictions.cases * len(columns)):
        counted = _counted_scores(weights @ sums, columns=len(columns), macro=predictions.classes > 2)
        ranked = _ranked_scores(weights[:, predictions.patient], rankings)
        blocks.append(np.stack([*counted[:4], *ranked, *counted[4:]]))
    return dict(zip(SCORES, np.concatenate(blocks, axis=1), strict=True))


def _shown(blocks: Iterator[FloatArray], *, work: int) -> Iterable[FloatArray]:
    return track(blocks, "resampling patients") if work > _LONG else blocks


def _sums_by_patient(predictions: Predictions, columns: list[int]) -> FloatArray:
    """(patients, 3 + 3 columns + bins): cases, right calls, squared error; then per class cases, calls and right calls;
    then in each bin of the calibration how much more was so than was said."""
    target, called = predictions.target, predictions.called
    truth = target[:, None] == np.arange(predictions.classes)
    error = ((predictions.probabilities - truth) ** 2).sum(axis=1) / 2
    if predictions.classes == 2:  # the two-class score looks at the positive class alone
        error = (predictions.probabilities[:, 1] - target) ** 2
    by_class = [part for k in columns for part in (target == k, called == k, (target == k) & (called == k))]
    was_so, said = predictions.confidence
    place = calibration_bins(said)
    gaps = [(was_so - said) * (place == number) for number in range(int(place.max()) + 1)]
    by_case = np.stack([np.ones(len(target)), target == called, error, *by_class, *gaps]).astype(np.float64)
    sums = [np.bincount(predictions.patient, weights=row, minlength=predictions.patients) for row in by_case]
    return np.stack(sums, axis=1)


def _counted_scores(sums: FloatArray, *, columns: int, macro: bool) -> tuple[FloatArray, ...]:
    """Accuracy, precision, sensitivity, specificity, Brier and ECE, each (draws,), from sums by draw."""
    cases, right, error = sums[:, :3].T
    counts, gaps = np.split(sums[:, 3:], [3 * columns], axis=1)
    actual, called, found = counts.reshape(-1, columns, 3).transpose(2, 0, 1)
    whole = cases[:, None]
    sensitivity = _ratio(found, actual)
    specificity = _ratio(whole - actual - called + found, whole - actual)
    precision = _ratio(found, called)
    if macro:
        precision = np.nan_to_num(precision)  # a class that is never named has precision 0
        missing = (actual == 0).any(axis=1)
        precision[missing], specificity[missing] = np.nan, np.nan  # sensitivity is NaN already
    means = (precision.mean(axis=1), sensitivity.mean(axis=1), specificity.mean(axis=1))
    return right / cases, *means, error / cases, np.abs(gaps).sum(axis=1) / cases


def _ranked_scores(weights: FloatArray, rankings: list[Ranking]) -> FloatArray:
    """(2, draws): AUC and average precision, macro over the rankings, from (draws, cases) weights."""
    means: FloatArray = np.mean([ranking_scores(ranking, weights) for ranking in rankings], axis=0)
    return means


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
