"""ROC, precision against recall and calibration as `Curve`: few enough points to be drawn and stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.calibration import reliability
from hounsfield.evaluation.decision_curve import decision_curves
from hounsfield.evaluation.evidence import Curve
from hounsfield.evaluation.intervals import LEVEL
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.ranking import CumulativeCounts, counts_of, ranking_of
from hounsfield.evaluation.resampling import patient_weights

MOST_POINTS = 200
"""Points a curve keeps; what is left out lies within a hundredth of the line."""


def curves_of(predictions: Predictions, *, classes: Sequence[str], resamples: int, seed: int) -> dict[str, Curve]:
    """The curves of a classification by name, as documented for evidence.json.

    Of two classes "roc", "precision_recall" and "calibration" speak of the second. With more, there is a
    "roc_<class>" and a "precision_recall_<class>" for each class that occurs, and "calibration" is that of the
    largest probability: how often the class that was named is right. ROC and precision–recall need cases of the
    class and others, and are left out without. Of two classes that occur there is a decision curve too: "net_benefit",
    and "net_benefit_of_all", that of calling every case positive.
    """
    columns = {"": 1} if predictions.classes == 2 else {f"_{name}": k for k, name in enumerate(classes)}
    curves: dict[str, Curve] = {}
    for ending, k in columns.items():
        target, probability = predictions.target == k, predictions.probabilities[:, k]
        if not target.any() or target.all():
            continue
        curves[f"roc{ending}"] = roc(target, probability, predictions.patient, resamples=resamples, seed=seed)
        curves[f"precision_recall{ending}"] = precision_recall(target, probability)
    curves["calibration"] = reliability(*predictions.confidence)
    if "roc" in curves:
        model, everybody = decision_curves(*predictions.confidence)
        curves |= {"net_benefit": model, "net_benefit_of_all": everybody}
    return curves


def roc(target: BoolArray, probability: FloatArray, patient: IntArray, *, resamples: int, seed: int) -> Curve:
    """Sensitivity (y) against 1 - specificity (x), from (0, 0) to (1, 1), with a pointwise 95 % band.

    `threshold` is the probability from which on cases are called positive; at (0, 0) it lies just above the highest.
    The band holds, at each x, the percentiles of the best sensitivity a bootstrap draw of patients reaches there
    (vertical averaging: Fawcett, Pattern Recognit. Lett. 27 (2006), doi:10.1016/j.patrec.2005.10.010). Where the
    curve rises straight up, all its points share one x and so one band.

    Args:
        target: (n,), true for positive cases; both classes occur.
        probability: (n,).
        patient: (n,), 0 … patients - 1.
        resamples: Draws behind the band; 0 for none.
        seed: Of the draws.
    """
    threshold, found, called = _steps(target, probability)
    x, y = (called - found) / (~target).sum(), found / target.sum()
    kept = _thinned(x, y)
    x, y = x[kept], y[kept]
    low, high = _band(target, probability, patient, grid=x, resamples=resamples, seed=seed) if resamples else ((), ())
    return Curve(x=_plain(x), y=_plain(y), low=_plain(low), high=_plain(high), threshold=_plain(threshold[kept]))


def precision_recall(target: BoolArray, probability: FloatArray) -> Curve:
    """Precision (y) against recall (x) at each threshold at which a case is called positive, x rising to 1.

    Args:
        target: (n,), true for positive cases; one at least.
        probability: (n,).
    """
    threshold, found, called = (part[1:] for part in _steps(target, probability))
    x, y = found / target.sum(), found / called
    kept = _thinned(x, y)
    return Curve(x=_plain(x[kept]), y=_plain(y[kept]), threshold=_plain(threshold[kept]))


def _steps(target: BoolArray, probability: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Falling thresholds, and at each the positives found and all cases called; the first calls nothing."""
    values, place = np.unique(-probability, return_inverse=True)
    found = np.cumsum(np.bincount(place, weights=target.astype(np.float64)))
    called = np.cumsum(np.bincount(place)).astype(np.float64)
    highest = np.nextafter(-values[0], np.inf)  # the least number that no probability reaches
    return np.r_[highest, -values], np.r_[0.0, found], np.r_[0.0, called]


def _band(
    target: BoolArray, probability: FloatArray, patient: IntArray, *, grid: FloatArray, resamples: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Low and high sensitivity at each false positive rate of `grid`; draws of one class are left out."""
    ranking = ranking_of(target, probability)
    rows: list[FloatArray] = []
    for weights in patient_weights(int(patient.max()) + 1, resamples=resamples, seed=seed, cases=len(target)):
        counts = counts_of(ranking, weights[:, patient])
        rows += [_sensitivity_at(grid, counts, draw) for draw in np.flatnonzero(counts.both).tolist()]
    if not rows:
        return np.zeros(len(grid)), np.ones(len(grid))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.stack(rows), [tail, 1 - tail], axis=0)
    return low, high


def _sensitivity_at(grid: FloatArray, counts: CumulativeCounts, draw: int) -> FloatArray:
    """(len(grid),), the sensitivity one draw reaches at each false positive rate.

    The corners of its ROC curve are the points before and after each group that holds a positive case: between the
    groups only the false positives grow, within one both do.
    """
    false_before, false_after = counts.false_before[draw], counts.false_after[draw]
    found_after = counts.found[draw]
    found_before = np.r_[0.0, found_after[:-1]]
    x = np.stack([false_before, false_after], axis=1).ravel() / counts.negatives[draw]
    y = np.stack([found_before, found_after], axis=1).ravel() / counts.positives[draw]
    return np.asarray(np.interp(grid, np.r_[0.0, x, 1.0], np.r_[0.0, y, 1.0]))  # of equal x the last: the highest y


def _thinned(x: FloatArray, y: FloatArray) -> IntArray:
    """Indices of at most `MOST_POINTS` points, first and last among them, that keep the line's shape."""
    across, up = np.diff(x), np.diff(y)
    turn = np.abs(across[:-1] * up[1:] - across[1:] * up[:-1])
    length = across + np.abs(up)
    corner = np.r_[True, turn > 1e-9 * length[:-1] * length[1:], True] if len(x) > 2 else np.ones(len(x), dtype=bool)
    kept = np.flatnonzero(corner)
    if len(kept) <= MOST_POINTS:
        return kept
    along = np.r_[0.0, np.cumsum(np.abs(np.diff(x[kept])) + np.abs(np.diff(y[kept])))]
    chosen = np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS))
    chosen[-1] = len(kept) - 1
    return kept[np.unique(chosen)]


def _plain(values: Sequence[float] | FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
