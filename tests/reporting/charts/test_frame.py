"""Axes and ticks."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks

numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))


@given(numbers, numbers, st.integers(2, 8))
def test_ticks_lie_inside_and_are_as_many_as_wanted_or_nearly(one: float, other: float, about: int) -> None:
    low, high = sorted((one, other))
    ticks = round_ticks(low, high, about=about)
    slack = 1e-6 * max(1, abs(low), abs(high))
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    if high - low > 1e-3:
        assert about / 2.6 - 1 <= len(ticks) <= about + 2


def test_ticks_are_round() -> None:
    assert round_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert round_ticks(0.58, 0.81, about=4) == [0.6, 0.7, 0.8]
    assert round_ticks(3, 3) == [3]


def test_ticks_get_the_places_they_need() -> None:
    assert decimals_for([0.0, 0.25, 0.5]) == 2
    assert decimals_for([0.0, 5.0]) == 0


def test_the_corners_of_the_values_are_the_corners_of_the_frame() -> None:
    frame = Frame(x=(0, 10), y=(-1, 1), width=100, height=100, left=10, right=10, top=20, bottom=20)
    assert (frame.across(0), frame.across(10)) == (10, 90)
    assert (frame.down(-1), frame.down(1)) == (80, 20)


def test_a_curve_of_thousands_of_points_stays_small_and_keeps_its_ends() -> None:
    frame = Frame()
    xs = [index / 20_000 for index in range(20_001)]
    path = str(frame.line(xs, [x * x for x in xs], "curve"))
    assert len(path) < 20_000
    assert f"{frame.across(1):.0f}" in path.split("L")[-1]


def test_points_that_are_not_numbers_are_left_out() -> None:
    path = str(Frame().line([0, 0.5, 1], [0, math.nan, 1], "curve"))
    assert len(re.findall("L", path)) == 1 and "nan" not in path


@pytest.mark.parametrize("count", [0, 1])
def test_no_points_or_one_are_no_error(count: int) -> None:
    assert "nan" not in str(Frame().line([0.5] * count, [0.5] * count, "curve"))
