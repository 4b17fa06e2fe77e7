"""All scores of a set of predictions by name: the two-class ones, or the macro ones where there are more classes."""

from __future__ import annotations

from hounsfield.evaluation.calibration import expected_calibration_error
from hounsfield.evaluation.classification import (
    accuracy,
    auc_roc,
    average_precision,
    brier,
    precision,
    sensitivity,
    specificity,
)
from hounsfield.evaluation.multiclass import (
    macro_auc_roc,
    macro_average_precision,
    macro_precision,
    macro_sensitivity,
    macro_specificity,
    multiclass_brier,
)
from hounsfield.evaluation.predictions import Predictions

SCORES = ("accuracy", "precision", "sensitivity", "specificity", "auc_roc", "average_precision", "brier", "ece")
"""Names of the classification scores in evidence.json, in the order in which they are computed."""


def scores_of(predictions: Predictions) -> dict[str, float]:
    """The value of every name in `SCORES`; NaN where it cannot be computed.

    Of two classes the second is the positive one. AUC and average precision need both classes.
    """
    if predictions.classes > 2:
        return _of_many_classes(predictions)
    target, called = predictions.target == 1, predictions.called == 1
    probability = predictions.probabilities[:, 1]
    both = target.any() and not target.all()
    return {
        "accuracy": accuracy(target, called),
        "precision": precision(target, called),
        "sensitivity": sensitivity(target, called),
        "specificity": specificity(target, called),
        "auc_roc": auc_roc(target, probability),
        "average_precision": average_precision(target, probability) if both else float("nan"),
        "brier": brier(target, probability),
        "ece": expected_calibration_error(target, probability),
    }


def _of_many_classes(predictions: Predictions) -> dict[str, float]:
    target, called, probabilities = predictions.target, predictions.called, predictions.probabilities
    return {
        "accuracy": accuracy(target, called),
        "precision": macro_precision(target, called),
        "sensitivity": macro_sensitivity(target, called),
        "specificity": macro_specificity(target, called),
        "auc_roc": macro_auc_roc(target, probabilities),
        "average_precision": macro_average_precision(target, probabilities),
        "brier": multiclass_brier(target, probabilities),
        "ece": expected_calibration_error(*predictions.confidence),
    }
