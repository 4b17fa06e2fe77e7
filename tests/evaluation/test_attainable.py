"""Wished sensitivities and specificities."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from hounsfield.evaluation import choose_threshold
from hounsfield.evaluation.attainable import WISHES, _draws, attainable_of
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.resampling import patient_weights


def predictions(cases: int = 120, patients: int = 50) -> Predictions:
    rng = np.random.default_rng(3)
    target = np.arange(cases) % 2
    positive = np.round(np.clip(rng.normal(0.35 + 0.3 * target, 0.2), 0, 1), 2)
    patient = np.r_[np.arange(patients), rng.integers(0, patients, cases - patients)]
    return Predictions(target, np.stack([1 - positive, positive], axis=1), patient, 0.5)


def test_values_are_those_of_the_curve() -> None:
    given = predictions()
    alarms, found, _ = roc_curve(given.target, given.probabilities[:, 1], drop_intermediate=False)
    points = {point.rule: point for point in attainable_of(given, resamples=200, seed=0)}
    assert list(points) == ["specificity>=0.9", "specificity>=0.95", "sensitivity>=0.9", "sensitivity>=0.95"]
    assert points["specificity>=0.9"].reached.value == pytest.approx(found[alarms <= 0.1 + 1e-9].max())
    assert points["sensitivity>=0.95"].reached.value == pytest.approx(1 - alarms[found >= 0.95 - 1e-9].min())
    for point in points.values():
        assert point.reached.low <= point.reached.value <= point.reached.high
        assert point.reached.low < point.reached.high


@pytest.mark.parametrize("wish", WISHES)
def test_draws_are_what_the_rule_gives_on_copied_cases(wish: tuple[str, float]) -> None:
    given = predictions()
    fast = _draws(given, *wish, resamples=40, seed=1)
    weights = np.concatenate(list(patient_weights(given.patients, resamples=40, seed=1)))
    for draw, own in zip(fast, weights, strict=True):
        rows = np.repeat(np.arange(given.cases), own[given.patient].astype(int))
        point = choose_threshold(given.target[rows] == 1, given.probabilities[rows, 1], f"{wish[0]}>={wish[1]}")
        assert draw == pytest.approx(point.sensitivity if wish[0] == "specificity" else point.specificity)
