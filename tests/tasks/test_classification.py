"""Classification: loss, decoding and score by hand and against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from hounsfield.arrays import FloatArray
from hounsfield.tasks.classification import Classification

TWO = Classification(("benign", "malignant"))
THREE = Classification(("a", "b", "c"))
logits = arrays(np.float64, (6, 3), elements=st.floats(-1000, 1000))


def test_equal_logits_cost_the_logarithm_of_two() -> None:
    loss = TWO.loss(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
    assert float(loss) == pytest.approx(math.log(2))


def test_a_class_of_three_times_the_weight_counts_three_times() -> None:
    weighted = Classification(("benign", "malignant"), class_weights=(1.0, 3.0))
    answers = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    right, wrong = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert float(weighted.loss(answers, torch.tensor([0, 1]))) == pytest.approx((right + 3 * wrong) / 4)


def test_smoothed_labels_make_a_sure_answer_cost_more() -> None:
    answers, targets = torch.tensor([[9.0, 0.0]]), torch.tensor([0])
    smoothed = Classification(("benign", "malignant"), label_smoothing=0.2)
    # 0.9 of the truth on the first class, 0.1 on the second, whose answer is 9 nats worse
    assert float(smoothed.loss(answers, targets)) == pytest.approx(
        float(TWO.loss(answers, targets)) + 0.1 * 9, rel=1e-4
    )


def test_half_precision_logits_are_scored_in_single_precision() -> None:
    assert TWO.loss(torch.zeros(1, 2, dtype=torch.bfloat16), torch.tensor([0])).dtype == torch.float32


@given(logits)
def test_decoding_is_the_softmax(values: FloatArray) -> None:
    probabilities = THREE.decode(values)
    np.testing.assert_allclose(probabilities, softmax(values, axis=1), atol=1e-12)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_the_score_of_two_classes_is_the_area_of_the_second() -> None:
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(50, 2)), np.arange(50) % 2
    expected = roc_auc_score(targets, softmax(values, axis=1)[:, 1])
    assert TWO.validation_score(values, targets) == pytest.approx(expected)


def test_the_score_of_three_classes_is_the_mean_of_each_against_the_rest() -> None:
    rng = np.random.default_rng(0)
    values, targets = rng.normal(size=(60, 3)), np.arange(60) % 3
    expected = roc_auc_score(targets, softmax(values, axis=1), multi_class="ovr", average="macro")
    assert THREE.validation_score(values, targets) == pytest.approx(expected)


def test_a_class_that_does_not_occur_is_left_out_of_the_score() -> None:
    values = np.array([[3.0, 0, 0], [0, 3.0, 0], [3.0, 0, 0]])
    assert THREE.validation_score(values, np.array([0, 1, 0])) == 1.0


def test_cases_of_one_class_have_no_score() -> None:
    assert math.isnan(TWO.validation_score(np.zeros((3, 2)), np.array([1, 1, 1])))
