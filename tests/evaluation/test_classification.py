"""Two-class scores: hand values, properties, and scikit-learn's figures."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ShapeError
from hounsfield.evaluation import classification

TARGET = np.array([True, True, True, False, False, False, False, True])
CALLED = np.array([True, True, False, True, False, False, False, False])  # TP 2, FN 2, FP 1, TN 3

Sample = tuple[BoolArray, FloatArray, FloatArray]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Targets of both classes, scores with many ties, and positive weights."""
    cases = draw(st.integers(2, 40))
    target = draw(st.lists(st.booleans(), min_size=cases, max_size=cases).filter(lambda flags: len(set(flags)) == 2))
    score = draw(st.lists(st.integers(0, 12), min_size=cases, max_size=cases))
    weight = draw(st.lists(st.integers(1, 9), min_size=cases, max_size=cases))
    return np.array(target), np.array(score) / 12, np.array(weight) / 4


def test_counts_of_two_found_two_missed_one_false_alarm_and_three_spared() -> None:
    assert classification.accuracy(TARGET, CALLED) == 5 / 8
    assert classification.precision(TARGET, CALLED) == 2 / 3
    assert classification.sensitivity(TARGET, CALLED) == 2 / 4
    assert classification.specificity(TARGET, CALLED) == 3 / 4


def test_confusion_has_the_truth_in_rows_and_the_call_in_columns() -> None:
    table = classification.confusion(TARGET.astype(int), CALLED.astype(int), 2)
    assert table.tolist() == [[3, 1], [2, 2]]


def test_a_class_that_does_not_occur_keeps_its_row_and_column() -> None:
    assert classification.confusion(np.array([0, 2]), np.array([2, 2]), 3).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]


def test_auc_counts_the_pairs_that_are_ranked_right_and_half_of_the_ties() -> None:
    # positives 0.9 and 0.5, negatives 0.5 and 0.1: pairs 1, 1, ½, 1
    target, score = np.array([True, True, False, False]), np.array([0.9, 0.5, 0.5, 0.1])
    assert classification.auc_roc(target, score) == 3.5 / 4


def test_average_precision_adds_precision_times_the_gain_in_recall() -> None:
    # from the top: P N P, so recall ½ at precision 1 and recall 1 at precision 2/3
    target, score = np.array([True, False, True]), np.array([0.9, 0.8, 0.7])
    assert classification.average_precision(target, score) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3, abs=1e-15)


def test_equal_scores_enter_average_precision_together() -> None:
    assert classification.average_precision(np.array([True, False, False, False]), np.full(4, 0.3)) == 0.25


def test_brier_of_a_coin_is_a_quarter_and_of_certain_errors_one() -> None:
    assert classification.brier(np.array([True, False]), np.array([0.5, 0.5])) == 0.25
    assert classification.brier(np.array([True, False]), np.array([0.0, 1.0])) == 1


@pytest.mark.parametrize("score", [classification.auc_roc, classification.average_precision])
def test_a_rank_score_without_positive_cases_is_not_a_number(score: object) -> None:
    assert callable(score)
    assert math.isnan(score(np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3])))


def test_what_would_divide_by_zero_is_not_a_number() -> None:
    nobody, everybody = np.zeros(3, dtype=bool), np.ones(3, dtype=bool)
    assert math.isnan(classification.precision(everybody, nobody))
    assert math.isnan(classification.sensitivity(nobody, everybody))
    assert math.isnan(classification.specificity(everybody, everybody))
    assert math.isnan(classification.auc_roc(everybody, np.array([0.1, 0.2, 0.3])))
    assert math.isnan(classification.accuracy(nobody[:0], nobody[:0]))


def test_arrays_of_different_lengths_are_refused_with_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"not \(3,\) and \(2,\)"):
        classification.auc_roc(np.ones(3, dtype=bool), np.ones(2))
    with pytest.raises(ShapeError, match=r"with weights \(1,\)"):
        classification.accuracy(np.ones(3, dtype=bool), np.ones(3, dtype=bool), np.ones(1))


@given(samples())
def test_scores_agree_with_scikit_learn_with_ties_and_weights(sample: Sample) -> None:
    target, score, weight = sample
    called = score >= 0.5
    for weights in (None, weight):
        expected = {
            "auc_roc": metrics.roc_auc_score(target, score, sample_weight=weights),
            "average_precision": metrics.average_precision_score(target, score, sample_weight=weights),
            "brier": metrics.brier_score_loss(target, score, sample_weight=weights),
            "accuracy": metrics.accuracy_score(target, called, sample_weight=weights),
            "sensitivity": metrics.recall_score(target, called, sample_weight=weights),
            "specificity": metrics.recall_score(~target, ~called, sample_weight=weights),
        }
        if called.any():
            expected["precision"] = metrics.precision_score(target, called, sample_weight=weights)
        for name, value in expected.items():
            given_to = called if name in ("accuracy", "sensitivity", "specificity", "precision") else score
            ours = getattr(classification, name)(target, given_to, weights)
            assert ours == pytest.approx(value, abs=1e-12), name
        ours_table = classification.confusion(target.astype(int), called.astype(int), 2, weights)
        theirs = metrics.confusion_matrix(target, called, labels=[False, True], sample_weight=weights)
        np.testing.assert_allclose(ours_table, theirs, atol=1e-12)


def test_scores_of_many_cases_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    target = rng.random(5000) < 0.2
    score = np.round(rng.random(5000), 3)
    assert classification.auc_roc(target, score) == pytest.approx(metrics.roc_auc_score(target, score), abs=1e-12)
    ours = classification.average_precision(target, score)
    assert ours == pytest.approx(metrics.average_precision_score(target, score), abs=1e-12)


@given(samples())
def test_scores_lie_between_zero_and_one(sample: Sample) -> None:
    target, score, weight = sample
    for name in ("auc_roc", "average_precision", "brier"):
        assert 0 <= getattr(classification, name)(target, score, weight) <= 1


@given(samples())
def test_auc_depends_on_the_order_of_the_scores_only(sample: Sample) -> None:
    target, score, weight = sample
    for changed in (score**3, 5 * score - 2, np.exp(score)):
        assert classification.auc_roc(target, changed, weight) == classification.auc_roc(target, score, weight)


@given(samples())
def test_turning_scores_or_targets_over_mirrors_the_auc(sample: Sample) -> None:
    target, score, weight = sample
    area = classification.auc_roc(target, score, weight)
    assert classification.auc_roc(target, -score, weight) == pytest.approx(1 - area, abs=1e-12)
    assert classification.auc_roc(~target, score, weight) == pytest.approx(1 - area, abs=1e-12)


@given(samples())
def test_the_order_of_the_cases_does_not_matter(sample: Sample) -> None:
    target, score, weight = sample
    order = np.random.default_rng(len(target)).permutation(len(target))
    for name in ("auc_roc", "average_precision", "brier"):
        function = getattr(classification, name)
        assert function(target[order], score[order], weight[order]) == pytest.approx(function(*sample), abs=1e-12)


@given(samples())
def test_a_weight_of_k_counts_as_k_copies_of_the_case(sample: Sample) -> None:
    target, score, weight = sample
    copies = (weight * 4).astype(int)
    assume(copies.sum() < 400)
    for name in ("auc_roc", "average_precision", "brier"):
        function = getattr(classification, name)
        copied = function(np.repeat(target, copies), np.repeat(score, copies))
        assert function(target, score, copies) == pytest.approx(copied, abs=1e-12)
