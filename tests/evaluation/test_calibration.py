"""Reliability, its error, and the two ways to mend it."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.metrics import log_loss

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import EvaluationError, ShapeError
from hounsfield.evaluation.calibration import (
    Platt,
    Temperature,
    equal_mass_bins,
    expected_calibration_error,
    fit_platt,
    fit_temperature,
    reliability,
)


def sample(*, cases: int = 4000, factor: float = 1.0, offset: float = 0.0) -> tuple[FloatArray, IntArray]:
    """Logits (cases, 2), `factor` times too large and `offset` too high, and targets drawn from the true odds."""
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 1.5, cases)
    target = (rng.random(cases) < expit(odds)).astype(int)
    return np.stack([np.zeros(cases), factor * odds + offset], axis=1), target


def test_twenty_cases_in_two_bins_by_hand() -> None:
    probability = np.r_[np.full(10, 0.2), np.full(10, 0.7)]
    target = np.r_[np.arange(10) < 3, np.arange(10) < 8]
    curve = reliability(target, probability, bins=2)
    assert curve.x == pytest.approx((0.2, 0.7))
    assert curve.y == pytest.approx((0.3, 0.8))
    assert curve.count == (10, 10)
    assert curve.low[0] == pytest.approx(0.1078, abs=1e-4)  # Wilson, 3 of 10
    assert curve.high[0] == pytest.approx(0.6032, abs=1e-4)
    assert expected_calibration_error(target, probability, bins=2) == pytest.approx(0.1)


def test_without_ties_the_bins_are_those_of_scikit_learns_quantiles() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(1000)
    target = rng.random(1000) < probability
    share, mean = calibration_curve(target, probability, n_bins=10, strategy="quantile")
    curve = reliability(target, probability)
    assert curve.x == pytest.approx(mean, abs=1e-3)
    assert curve.y == pytest.approx(share, abs=0.011)  # a case at a quantile may fall on either side
    assert set(curve.count) == {100}


def test_equal_probabilities_share_a_bin() -> None:
    probability = np.r_[np.full(50, 0.1), np.linspace(0.2, 0.9, 50)]
    place = equal_mass_bins(probability, 10)
    assert len(set(place[:50])) == 1
    assert place.max() + 1 == len(set(place))
    assert (np.diff(place) >= 0).all()


def test_few_cases_make_few_bins_and_one_case_makes_one() -> None:
    assert len(reliability(np.arange(25) % 2 == 0, np.linspace(0, 1, 25)).x) == 2
    assert reliability(np.array([True]), np.array([0.7])).count == (1,)


def test_a_calibrated_model_has_a_small_error_and_an_overconfident_one_a_large_one() -> None:
    logits, target = sample(factor=3)
    wrong = expected_calibration_error(target == 1, Temperature(1.0)(logits)[:, 1])
    right = expected_calibration_error(target == 1, Temperature(3.0)(logits)[:, 1])
    assert wrong > 0.08 > 0.025 > right


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_finds_by_how_much_the_logits_are_too_large(factor: float) -> None:
    logits, target = sample(factor=factor)
    assert fit_temperature(logits, target).temperature == pytest.approx(factor, rel=0.07)


def test_the_temperature_has_the_lowest_loss_of_its_neighbours() -> None:
    logits, target = sample(factor=2)
    best = fit_temperature(logits, target).temperature
    losses = [log_loss(target, Temperature(best * factor)(logits)) for factor in (0.8, 1.0, 1.25)]
    assert losses[1] == min(losses)


def test_the_temperature_changes_no_answer_of_many_classes() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4))
    softened = Temperature(2.5)(logits)
    assert (softened.argmax(axis=1) == logits.argmax(axis=1)).all()
    assert softened.sum(axis=1) == pytest.approx(np.ones(50))


def test_platt_finds_slope_and_offset() -> None:
    logits, target = sample(factor=2, offset=1)
    fitted = fit_platt(logits, target)
    assert fitted.slope == pytest.approx(0.5, rel=0.07)
    assert fitted.intercept == pytest.approx(-0.5, abs=0.1)
    assert expected_calibration_error(target == 1, fitted(logits)[:, 1]) < 0.025


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_platt_is_scikit_learns_sigmoid_calibration_at_any_scale(scale: float) -> None:
    logits, target = sample(cases=200, factor=1.7, offset=0.4)
    a, b = _sigmoid_calibration(logits[:, 1] - logits[:, 0], target)
    fitted = fit_platt(logits * scale, target)
    assert fitted.slope * scale == pytest.approx(-a, abs=1e-3)
    assert fitted.intercept == pytest.approx(-b, abs=1e-3)


def test_a_few_cases_without_an_error_do_not_make_the_answer_certain() -> None:
    logits, target = np.array([[0, -2.0], [0, -1.0], [0, 1.0], [0, 2.0]]), np.array([0, 0, 1, 1])
    assert fit_platt(logits, target)(logits)[:, 1].max() < 0.95
    assert fit_temperature(logits, target)(logits)[:, 1].max() < 0.95


def test_probabilities_of_extreme_logits_are_numbers() -> None:
    logits = np.array([[0.0, 1e4], [1e4, 0.0]])
    for calibrate in (Temperature(1.0), Platt(2.0, 0.1)):
        assert calibrate(logits) == pytest.approx(np.array([[0, 1], [1, 0]]))


def test_what_cannot_be_calibrated_is_refused() -> None:
    with pytest.raises(EvaluationError, match="at least two classes, found 1 among 3 cases"):
        fit_temperature(np.zeros((3, 2)), np.zeros(3, dtype=int))
    with pytest.raises(EvaluationError, match="not numbers"):
        fit_temperature(np.array([[0, np.nan], [0, 1]]), np.array([0, 1]))
    with pytest.raises(ShapeError, match="two classes, not 3"):
        fit_platt(np.zeros((4, 3)), np.arange(4) % 3)
    with pytest.raises(ShapeError, match=r"\(n, classes\), not \(4,\)"):
        fit_temperature(np.zeros(4), np.zeros(4, dtype=int))
    with pytest.raises(ShapeError, match="one target for each of the 4 logits"):
        fit_platt(np.zeros((4, 2)), np.zeros(3, dtype=int))
