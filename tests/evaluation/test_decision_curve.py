"""Net benefit."""

import numpy as np
import pytest

from hounsfield.evaluation.decision_curve import decision_curves


def test_four_cases_by_hand() -> None:
    target = np.array([True, False, False, False])
    model, everybody = decision_curves(target, np.array([0.8, 0.6, 0.3, 0.1]))
    at = model.x.index(pytest.approx(0.5))
    assert model.y[at] == pytest.approx(1 / 4 - 1 / 4)  # one found, one alarm, both count the same
    assert everybody.y[at] == pytest.approx(1 / 4 - 3 / 4)
    at = model.x.index(pytest.approx(0.2))
    assert model.y[at] == pytest.approx(1 / 4 - 2 / 4 * 0.25)
    assert everybody.y[at] == pytest.approx(1 / 4 - 3 / 4 * 0.25)


def test_nobody_is_called_beyond_the_highest_probability_and_everybody_below_the_lowest() -> None:
    rng = np.random.default_rng(0)
    target, probability = rng.random(50) < 0.4, rng.uniform(0.3, 0.7, 50)
    model, everybody = decision_curves(target, probability)
    assert model.y[0] == pytest.approx(everybody.y[0])
    assert model.y[-1] == 0
