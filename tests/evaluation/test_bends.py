"""A rising line with bends."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.bends import Bends, bends_pay, fit_bends
from hounsfield.evaluation.calibration import expected_calibration_error


def pair(odds: FloatArray) -> FloatArray:
    return np.stack([np.zeros_like(odds), odds], axis=1)


def test_a_line_by_hand() -> None:
    line = Bends(((0.0, -1.0), (2.0, 1.0)))
    bent = line.apply(pair(np.array([-1.0, 0.0, 1.0, 2.0, 5.0])))[:, 1]
    assert bent.tolist() == [-2.0, -1.0, 0.0, 1.0, 4.0]


def test_a_crooked_network_is_mended_and_no_two_cases_change_places() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, 6000)
    target = rng.random(6000) < expit(truth)
    said = np.where(truth > 0, 4 * truth, 0.3 * truth)  # far too sure above, far too unsure below
    learned, new = slice(0, 3000), slice(3000, 6000)
    bent = fit_bends(said[learned], target[learned]).apply(pair(said[new]))[:, 1]
    assert expected_calibration_error(target[new], expit(said[new])) > 0.08
    assert expected_calibration_error(target[new], expit(bent)) < 0.03
    assert roc_auc_score(target[new], bent) == pytest.approx(roc_auc_score(target[new], said[new]), abs=1e-12)
    assert bends_pay(said, target, np.arange(6000))


def test_bends_do_not_pay_where_a_straight_line_is_right() -> None:
    rng = np.random.default_rng(1)
    odds = rng.normal(0, 2, 2000)
    assert not bends_pay(odds, rng.random(2000) < expit(odds), np.arange(2000))


def test_steps_of_cases_without_an_error_stay_finite() -> None:
    odds = np.linspace(-5, 5, 200)
    line = fit_bends(odds, odds > 0)
    assert np.isfinite(line.apply(pair(odds))).all()
    assert len(line.points) >= 2
