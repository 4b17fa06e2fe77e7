"""Macro scores of more than two classes against hand values and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.evaluation import multiclass

TARGET = np.array([0, 0, 1, 1, 2, 2])
CALLED = np.array([0, 1, 1, 1, 2, 0])


@pytest.fixture(scope="module")
def sample() -> tuple[IntArray, FloatArray]:
    """(300,) targets of four classes and (300, 4) probabilities."""
    rng = np.random.default_rng(3)
    target = rng.choice(4, 300, p=[0.5, 0.3, 0.15, 0.05])
    return target, rng.dirichlet(np.ones(4), 300)


def test_macro_scores_are_means_over_the_classes_by_hand() -> None:
    assert multiclass.macro_precision(TARGET, CALLED) == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)
    assert multiclass.macro_sensitivity(TARGET, CALLED) == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert multiclass.macro_specificity(TARGET, CALLED) == pytest.approx((3 / 4 + 3 / 4 + 1) / 3)


def test_a_class_that_was_never_named_has_precision_zero() -> None:
    assert multiclass.macro_precision(np.array([0, 1, 2]), np.array([0, 1, 1])) == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean() -> None:
    assert multiclass.macro_sensitivity(np.array([0, 1]), np.array([0, 2])) == 0.5


def test_macro_scores_agree_with_scikit_learn(sample: tuple[IntArray, FloatArray]) -> None:
    target, probabilities = sample
    called = probabilities.argmax(axis=1)
    one_hot = np.eye(4, dtype=int)[target]
    pairs = [
        (multiclass.macro_precision(target, called), metrics.precision_score(target, called, average="macro")),
        (multiclass.macro_sensitivity(target, called), metrics.balanced_accuracy_score(target, called)),
        (
            multiclass.macro_auc_roc(target, probabilities),
            metrics.roc_auc_score(target, probabilities, multi_class="ovr", average="macro"),
        ),
        (
            multiclass.macro_average_precision(target, probabilities),
            metrics.average_precision_score(one_hot, probabilities, average="macro"),
        ),
        (
            multiclass.multiclass_brier(target, probabilities),
            metrics.brier_score_loss(target, probabilities, scale_by_half=True),
        ),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, abs=1e-12)


def test_brier_of_two_classes_is_that_of_the_positive_one() -> None:
    positive = np.array([0.2, 0.9, 0.4])
    probabilities = np.stack([1 - positive, positive], axis=1)
    assert multiclass.multiclass_brier(np.array([0, 1, 1]), probabilities) == pytest.approx(
        (0.2**2 + 0.1**2 + 0.6**2) / 3
    )


def test_rank_scores_of_one_class_are_not_numbers() -> None:
    target, probabilities = np.zeros(4, dtype=int), np.full((4, 3), 1 / 3)
    assert math.isnan(multiclass.macro_auc_roc(target, probabilities))
    assert math.isnan(multiclass.macro_average_precision(target, probabilities))
    assert math.isnan(multiclass.macro_specificity(target, target))
