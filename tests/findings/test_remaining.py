"""What is left of an organ."""

import numpy as np
import pytest
from masks import ball

from hounsfield.errors import ImageError
from hounsfield.findings.remaining import measure_remaining


def test_what_is_left_of_a_ball_around_a_ball_is_known() -> None:
    centre = np.full(3, 30.0)
    organ, lesion = ball((61, 61, 61), (1, 1, 1), centre, 28), ball((61, 61, 61), (1, 1, 1), centre, 8)
    found = measure_remaining(lesion, organ, np.eye(4), margin_mm=6)
    assert found.percent == pytest.approx(100 * (28**3 - 14**3) / (28**3 - 8**3), abs=0.5)
    assert found.percent_low < found.percent < found.percent_high
    assert found.organ_mm3 == np.count_nonzero(organ & ~lesion)
    assert measure_remaining(lesion, organ & ~lesion, np.eye(4), margin_mm=6) == found


def test_without_a_margin_all_but_the_lesion_is_left() -> None:
    organ, lesion = np.ones((20, 20, 20), dtype=bool), ball((20, 20, 20), (1, 1, 1), np.full(3, 9.0), 5)
    assert measure_remaining(lesion, organ, np.eye(4), margin_mm=0).percent == pytest.approx(100, abs=0.5)


def test_an_organ_that_is_all_lesion_is_refused() -> None:
    lesion = ball((20, 20, 20), (1, 1, 1), np.full(3, 9.0), 5)
    with pytest.raises(ImageError, match="nothing besides the lesion"):
        measure_remaining(lesion, lesion, np.eye(4), margin_mm=5)
    with pytest.raises(ImageError, match="lesion's mask is empty"):
        measure_remaining(np.zeros_like(lesion), lesion, np.eye(4), margin_mm=5)
