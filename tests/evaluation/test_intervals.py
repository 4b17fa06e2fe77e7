"""Percentiles, and what is said where percentiles would lie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hounsfield.evaluation.intervals import distance_score, percentile_score, wilson_interval


def test_the_interval_lies_between_the_percentiles_two_and_a_half_and_ninety_seven_and_a_half() -> None:
    score, basis = percentile_score(0.5, np.linspace(0, 1, 1001), patients=50)
    assert (score.low, score.high, basis) == (pytest.approx(0.025), pytest.approx(0.975), "draws")


def test_draws_without_the_score_are_left_out() -> None:
    score, _ = percentile_score(0.5, np.r_[np.full(500, np.nan), np.linspace(0, 1, 1001)], patients=50)
    assert score.low == pytest.approx(0.025)


def test_one_patient_leaves_everything_open() -> None:
    score, basis = percentile_score(0.75, np.full(200, 0.75), patients=1)
    assert (score.low, score.value, score.high, basis) == (0, 0.75, 1, "unknown")


def test_too_few_draws_with_the_score_leave_everything_open() -> None:
    draws = np.full(200, np.nan)
    draws[:19] = 0.6
    assert percentile_score(0.6, draws, patients=5)[1] == "unknown"
    draws[:20] = 0.6
    assert percentile_score(0.6, draws, patients=5)[1] == "draws"


@pytest.mark.parametrize("patients", [2, 10, 500])
def test_no_error_among_n_patients_gets_the_exact_binomial_bound(patients: int) -> None:
    score, basis = percentile_score(1.0, np.ones(200), patients=patients)
    exact = stats.binomtest(patients, patients).proportion_ci(0.95, method="exact")
    assert (score.low, score.high, basis) == (pytest.approx(exact.low), 1, "bound")
    mirrored, _ = percentile_score(0.0, np.zeros(200), patients=patients)
    assert (mirrored.low, mirrored.high) == (0, pytest.approx(1 - exact.low))


def test_a_brier_score_of_zero_gets_no_binomial_bound() -> None:
    score, basis = percentile_score(0.0, np.zeros(200), patients=10, bounded=False)
    assert (score.low, score.high, basis) == (0, 0, "draws")


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_intervals_are_scipys(found: int, cases: int) -> None:
    found = min(found, cases)
    low, high = wilson_interval(np.array([found]), np.array([cases]))
    theirs = stats.binomtest(found, cases).proportion_ci(0.95, method="wilson")
    assert low[0] == pytest.approx(theirs.low, abs=1e-12)
    assert high[0] == pytest.approx(theirs.high, abs=1e-12)


def test_no_cases_leave_a_share_open() -> None:
    assert [float(end[0]) for end in wilson_interval(np.array([0.0]), np.array([0.0]))] == [0, 1]


def test_the_interval_of_a_distance_holds_it_and_leaves_out_draws_without_it() -> None:
    draws = np.r_[np.full(500, np.nan), np.linspace(2, 4, 1001)]
    inside, outside = (distance_score(value, draws, np.array([1.0, 9.0])) for value in (3.0, 5.0))
    assert (inside.low, inside.high) == (pytest.approx(2.05), pytest.approx(3.95))
    assert (outside.low, outside.value, outside.high) == (pytest.approx(2.05), 5.0, 5.0)


def test_of_one_patient_the_interval_of_a_distance_is_all_that_was_seen() -> None:
    score = distance_score(3.0, np.full(200, 3.0), np.array([1.0, 3.0, 5.0]))
    assert (score.low, score.value, score.high) == (1.0, 3.0, 5.0)
