"""How conformal sets did."""

import numpy as np
import pytest

from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.sets import Held, measured_sets


def test_six_cases_by_hand() -> None:
    predictions = Predictions(np.array([0, 0, 0, 1, 1, 1]), np.full((6, 2), 0.5), np.arange(6), 0.5)
    classes = np.array([[1, 0], [1, 1], [0, 1], [0, 1], [0, 0], [1, 1]], dtype=bool)
    found = measured_sets(predictions, Held(classes, 0.9), classes=("benign", "malignant"), resamples=200, seed=0)
    assert found.promised == 0.9
    assert found.coverage["benign"].value == pytest.approx(2 / 3)
    assert found.coverage["malignant"].value == pytest.approx(2 / 3)
    assert found.decided.value == pytest.approx(3 / 6)
    assert found.empty.value == pytest.approx(1 / 6)
    assert found.coverage["benign"].low < 2 / 3 < found.coverage["benign"].high


def test_intervals_are_wider_where_cases_share_patients() -> None:
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(20), 10)
    luck = rng.random(20) < 0.8  # all cases of a patient are held, or none
    classes = np.stack([luck[owner], ~luck[owner]], axis=1)
    target, probabilities = np.zeros(200, dtype=int), np.full((200, 2), 0.5)

    def width(patient: np.ndarray) -> float:
        predictions = Predictions(target, probabilities, patient, 0.5)
        held = Held(classes, 0.9)
        score = measured_sets(predictions, held, classes=("a", "b"), resamples=500, seed=0).coverage["a"]
        return score.high - score.low

    assert width(owner) > 2 * width(np.arange(200))


def test_a_class_without_cases_has_no_coverage() -> None:
    predictions = Predictions(np.array([0, 0]), np.full((2, 2), 0.5), np.arange(2), 0.5)
    held = Held(np.ones((2, 2), dtype=bool), 0.9)
    found = measured_sets(predictions, held, classes=("a", "b"), resamples=50, seed=0)
    assert list(found.coverage) == ["a"]


def test_of_a_class_each_patient_counts_once() -> None:
    patient = np.r_[np.zeros(9, dtype=int), 1]  # nine cases of one woman, one of another
    predictions = Predictions(np.zeros(10, dtype=int), np.full((10, 2), 0.5), patient, 0.5)
    held = Held(np.stack([np.arange(10) < 9, np.zeros(10, dtype=bool)], axis=1), 0.9)
    found = measured_sets(predictions, held, classes=("a", "b"), resamples=50, seed=0)
    assert found.coverage["a"].value == pytest.approx(0.5)
    assert found.decided.value == pytest.approx(0.9)
