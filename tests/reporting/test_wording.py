"""Numbers as words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.evaluation.evidence import Score
from hounsfield.reporting import wording

THIN = "\u202f"


def test_what_is_not_a_number_is_a_dash_everywhere() -> None:
    for write in (wording.number, wording.figure, wording.percent, wording.duration):
        assert write(math.nan) == "–"
    assert wording.number(None) == "–"
    assert wording.interval(Score(0.5, math.nan, math.nan)) == "–"


def test_negative_numbers_carry_a_true_minus() -> None:
    assert wording.number(-0.5, 1) == "−0.5"
    assert wording.interval(Score(0, -0.2, -0.1), 1) == "−0.2 to −0.1"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.05, "0.05"),
        (1090.5, "1090"),
        (27131904.0, f"27{THIN}131{THIN}904"),
        (0.123456, "0.123"),
        (57.0, "57"),
        (0, "0"),
    ],
)
def test_figures_keep_three_places_that_matter(value: float, written: str) -> None:
    assert wording.figure(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.62, f"0.6{THIN}s"), (42, f"42{THIN}s"), (59.6, f"1{THIN}min 00{THIN}s"), (200, f"3{THIN}min 20{THIN}s"),
     (3900, f"1{THIN}h 05{THIN}min")],
)  # fmt: skip
def test_durations_name_the_two_largest_units(seconds: float, written: str) -> None:
    assert wording.duration(seconds) == written


def test_moments_are_english_and_say_when_they_are_utc() -> None:
    assert wording.moment("2026-11-22T21:05:00+00:00") == "22 November 2026, 21:05 UTC"
    assert wording.moment("2026-11-22") == "22 November 2026"
    assert wording.moment("yesterday") == "yesterday"


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_a_count_reads_back_as_itself(amount: int) -> None:
    assert int(wording.count(amount).replace(THIN, "").replace("−", "-")) == amount


def test_one_is_not_plural() -> None:
    assert wording.plural(1, "study", "studies") == "1 study"
    assert wording.plural(2, "study", "studies") == "2 studies"
    assert wording.plural(0, "case") == "0 cases"
