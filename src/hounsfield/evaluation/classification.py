"""The scores of a two-class answer, as plain functions from arrays.

`target` and `called` are (n,) and boolean: what a case is, and what it was called. `score` and `probability` are (n,)
and say how positive a case looks. `weights` (n,), not negative, counts a case as many times; without it every case
counts once. A score whose denominator is 0 is NaN, never 0 and never an exception.
"""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray, VoxelArray
from hounsfield.errors import ShapeError


def confusion(target: IntArray, called: IntArray, classes: int, weights: FloatArray | None = None) -> FloatArray:
    """(classes, classes): entry [t, p] is the weight of the cases of class t that were called p.

    Args:
        target: (n,), class of each case, in 0 … classes - 1.
        called: (n,), class it was given.
        classes: How many there are, whether they occur or not.
        weights: (n,) or None.
    """
    counted = _weights(np.asarray(target), np.asarray(called), weights)
    cells = np.asarray(target, dtype=np.int64) * classes + np.asarray(called, dtype=np.int64)
    table = np.bincount(cells, weights=counted, minlength=classes * classes).astype(np.float64)
    return table.reshape(classes, classes)


def accuracy(target: IntArray | BoolArray, called: IntArray | BoolArray, weights: FloatArray | None = None) -> float:
    """Share of the cases that were called what they are, for any number of classes; in [0, 1]."""
    truth, given = np.asarray(target), np.asarray(called)
    counted = _weights(truth, given, weights)
    return _ratio(counted[truth == given].sum(), counted.sum())


def precision(target: BoolArray, called: BoolArray, weights: FloatArray | None = None) -> float:
    """Positive predictive value, TP / (TP + FP); NaN when no case was called positive."""
    target, called = _flags(target, called)
    counted = _weights(target, called, weights)
    return _ratio(counted[target & called].sum(), counted[called].sum())


def sensitivity(target: BoolArray, called: BoolArray, weights: FloatArray | None = None) -> float:
    """Recall, TP / (TP + FN); NaN when no case is positive."""
    target, called = _flags(target, called)
    counted = _weights(target, called, weights)
    return _ratio(counted[target & called].sum(), counted[target].sum())


def specificity(target: BoolArray, called: BoolArray, weights: FloatArray | None = None) -> float:
    """TN / (TN + FP); NaN when no case is negative."""
    target, called = _flags(target, called)
    return sensitivity(~target, ~called, weights)


def auc_roc(target: BoolArray, score: FloatArray, weights: FloatArray | None = None) -> float:
    """Area under the ROC curve, in [0, 1]; NaN unless both classes occur.

    The chance that a positive case scores above a negative one, where equal scores count one half. O(n log n).

    Reference:
        Hanley and McNeil, Radiology 143 (1982), doi:10.1148/radiology.143.1.7063747.
    """
    positive, negative = _by_threshold(target, score, weights)
    pairs = positive.sum() * negative.sum()
    lower = negative.sum() - np.cumsum(negative)  # negatives that score strictly below each threshold
    return _ratio((positive * (lower + negative / 2)).sum(), pairs)


def average_precision(target: BoolArray, score: FloatArray, weights: FloatArray | None = None) -> float:
    """Area under precision against recall as the step sum of (R_k - R_k-1) P_k, in [0, 1].

    This is scikit-learn's definition: no interpolation, and cases of equal score enter together. NaN when no case
    is positive. A model that ranks at random reaches the share of positive cases.
    """
    positive, negative = _by_threshold(target, score, weights)
    found = np.cumsum(positive)
    called = found + np.cumsum(negative)
    at_threshold = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return _ratio((positive * at_threshold).sum(), positive.sum())


def brier(target: BoolArray, probability: FloatArray, weights: FloatArray | None = None) -> float:
    """Mean squared difference of probability and truth (0 or 1), in [0, 1]; lower is better.

    Reference:
        Brier, Monthly Weather Review 78 (1950).
    """
    truth, given = np.asarray(target, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    counted = _weights(truth, given, weights)
    return _ratio((counted * (given - truth) ** 2).sum(), counted.sum())


def _by_threshold(target: BoolArray, score: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Weight of the positive and of the negative cases at each distinct score, from the highest down; two (g,)."""
    truth, scores = np.asarray(target, dtype=bool), np.asarray(score, dtype=np.float64)
    counted = _weights(truth, scores, weights)
    distinct, place = np.unique(-scores, return_inverse=True)
    positive = np.bincount(place, weights=counted * truth, minlength=len(distinct))
    negative = np.bincount(place, weights=counted * ~truth, minlength=len(distinct))
    return positive.astype(np.float64), negative.astype(np.float64)


def _flags(target: BoolArray, called: BoolArray) -> tuple[BoolArray, BoolArray]:
    return np.asarray(target, dtype=bool), np.asarray(called, dtype=bool)


def _weights(first: VoxelArray, second: VoxelArray, weights: FloatArray | None) -> FloatArray:
    """(n,) float64 weights, after checking that all arrays have one length."""
    counted = np.ones(first.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if first.ndim != 1 or not first.shape == second.shape == counted.shape:
        raise ShapeError(
            f"a score needs arrays of one shape (n,), not {first.shape} and {second.shape}"
            + ("" if weights is None else f" with weights {counted.shape}")
        )
    return counted


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
