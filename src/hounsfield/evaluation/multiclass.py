"""The scores of an answer with more than two classes, as plain functions from arrays.

Each class is held against the rest, and the mean over the classes is taken with equal weight ("macro"), so that a
rare class counts as much as a common one. The mean goes over the classes that occur in `target`; a class that does
not occur has nothing to be found. `target` and `called` are (n,) class indices, `probabilities` (n, classes).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.classification import auc_roc, average_precision, precision, sensitivity, specificity


def macro_precision(target: IntArray, called: IntArray) -> float:
    """Mean over the occurring classes of the share of right calls; a class that no case was called counts as 0."""
    return _mean(target, lambda k: float(np.nan_to_num(precision(target == k, called == k))))


def macro_sensitivity(target: IntArray, called: IntArray) -> float:
    """Mean over the occurring classes of the share of their cases that was found: the balanced accuracy."""
    return _mean(target, lambda k: sensitivity(target == k, called == k))


def macro_specificity(target: IntArray, called: IntArray) -> float:
    """Mean over the occurring classes of the share of the other cases not called so; NaN with one class only."""
    return _mean(target, lambda k: specificity(target == k, called == k))


def macro_auc_roc(target: IntArray, probabilities: FloatArray) -> float:
    """Mean over the occurring classes of the area under the one-against-rest ROC curve; NaN with one class only."""
    return _mean(target, lambda k: auc_roc(target == k, probabilities[:, k]))


def macro_average_precision(target: IntArray, probabilities: FloatArray) -> float:
    """Mean over the occurring classes of the one-against-rest average precision; NaN with one class only."""
    if len(np.unique(target)) < 2:
        return float("nan")
    return _mean(target, lambda k: average_precision(target == k, probabilities[:, k]))


def multiclass_brier(target: IntArray, probabilities: FloatArray) -> float:
    """Half the mean over cases of the squared distance between the probabilities and the true class; in [0, 1].

    The half makes it agree with the two-class Brier score when there are two classes (scikit-learn's
    `brier_score_loss(scale_by_half=True)`); Brier's own definition of 1950 is twice this figure.
    """
    truth: BoolArray = np.asarray(target)[:, None] == np.arange(probabilities.shape[1])
    return float(((probabilities - truth) ** 2).sum(axis=1).mean() / 2)


def _mean(target: IntArray, one: Callable[[int], float]) -> float:
    return float(np.mean([one(int(k)) for k in np.unique(target)]))
