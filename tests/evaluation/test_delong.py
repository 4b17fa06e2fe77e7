import numpy as np
import pytest

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.classification import auc_roc
from hounsfield.evaluation.delong import compare_areas

Cases = tuple[BoolArray, FloatArray, FloatArray, IntArray]


def cases(patients: int, each: int, rng: np.random.Generator, *, gap: float = 0.0) -> Cases:
    """Patients whose cases resemble each other; the first score is better by `gap` standard deviations."""
    target = np.repeat(rng.random(patients) < 0.4, each)
    shared = np.repeat(rng.normal(size=patients), each) + rng.normal(size=patients * each) / 2
    first = shared + rng.normal(size=len(target)) + (1 + gap) * target
    second = shared + rng.normal(size=len(target)) + target
    return target, first, second, np.repeat(np.arange(patients), each)


def test_components_by_hand() -> None:
    """Each pair of a positive and a negative case looked at, as DeLong writes it."""
    target, first, second, patient = cases(60, 1, np.random.default_rng(0))
    first = first.round(1)  # ties

    def kernel(score: FloatArray) -> FloatArray:
        above = score[target][:, None] - score[~target][None]
        return (above > 0) + 0.5 * (above == 0)

    one, other = kernel(first), kernel(second)
    difference = one - other
    expected = (
        difference.mean(axis=1).var(ddof=1) / target.sum() + difference.mean(axis=0).var(ddof=1) / (~target).sum()
    )
    found = compare_areas(target, first, second, patient)
    assert found.error == pytest.approx(np.sqrt(expected))
    assert found.first == pytest.approx(auc_roc(target, first))
    assert found.second == pytest.approx(auc_roc(target, second))
    assert found.value == pytest.approx(difference.mean())


@pytest.mark.parametrize("each", [1, 4])
def test_the_error_is_how_much_the_difference_varies(each: int) -> None:
    rng = np.random.default_rng(1)
    found = [compare_areas(*cases(120, each, rng)) for _ in range(400)]
    assert np.mean([one.error for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.1)
    assert np.mean([one.p_value < 0.05 for one in found]) == pytest.approx(0.05, abs=0.03)
    inside = [one.interval[0] <= 0 <= one.interval[1] for one in found]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_cases_taken_as_independent_would_promise_too_much() -> None:
    target, first, second, patient = cases(80, 5, np.random.default_rng(2))
    second = second + np.repeat(np.random.default_rng(3).normal(size=80), 5)  # what one model thinks of a woman
    apart = compare_areas(target, first, second, np.arange(len(target)))
    assert compare_areas(target, first, second, patient).error > 1.3 * apart.error


def test_a_real_difference_is_found_and_the_same_score_has_none() -> None:
    target, first, second, patient = cases(400, 1, np.random.default_rng(4), gap=1.0)
    found = compare_areas(target, first, second, patient)
    assert found.value > 0.05
    assert found.p_value < 1e-3
    same = compare_areas(target, first, 3 * first + 1, patient)
    assert (same.value, same.error, same.p_value) == (0.0, 0.0, 1.0)


def test_one_patient_of_a_class_says_nothing_of_the_error() -> None:
    target = np.array([True, True, False, False])
    score = np.array([0.9, 0.8, 0.2, 0.3])
    assert np.isnan(compare_areas(target, score, -score, np.array([0, 0, 1, 2])).error)
