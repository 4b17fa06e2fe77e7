"""Conformal limits: the promise is kept for each class, on patients who were not there when the limits were chosen."""

import numpy as np
import pytest
from scipy.special import expit

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.conformal import fit_conformal


def draw(rng: np.random.Generator, cases: int, *, rare: float = 0.3) -> tuple[FloatArray, IntArray]:
    target = (rng.random(cases) < rare).astype(int)
    positive = expit(rng.normal(size=cases) * 1.5 + 2 * target - 1)
    return np.stack([1 - positive, positive], axis=1), target


def test_nineteen_cases_by_hand() -> None:
    probability = np.arange(1, 20) / 20
    both = np.stack([1 - probability, probability], axis=1)
    found = fit_conformal(both, np.ones(19, dtype=int), coverage=0.9)
    assert found.limits == (0.0, pytest.approx(0.10))  # floor(20 × 0.1) = 2nd lowest
    assert found.cases == (0, 19)
    assert found.sets(np.array([[0.95, 0.05], [0.9, 0.1]])).tolist() == [[True, False], [True, True]]


def test_with_too_few_cases_of_a_class_it_is_never_ruled_out() -> None:
    probabilities, _ = draw(np.random.default_rng(0), 8)
    found = fit_conformal(probabilities, np.array([0, 0, 0, 0, 1, 1, 1, 1]), coverage=0.9)
    assert found.limits == (0.0, 0.0)
    assert not found.promises
    assert found.sets(probabilities).all()


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_the_promise_is_kept_for_each_class_of_new_cases(coverage: float) -> None:
    rng = np.random.default_rng(1)
    held: list[list[float]] = [[], []]
    for _ in range(300):
        found = fit_conformal(*draw(rng, 200), coverage=coverage)
        probabilities, target = draw(rng, 400)
        true = found.sets(probabilities)[np.arange(400), target]
        for k in (0, 1):
            held[k].append(float(true[target == k].mean()))
    means = [float(np.mean(shares)) for shares in held]
    assert all(coverage - 0.005 <= mean <= coverage + 0.03 for mean in means), means


def test_many_cases_of_one_patient_weigh_as_one() -> None:
    rng = np.random.default_rng(2)
    probability = rng.random(30)
    both = np.stack([1 - probability, probability], axis=1)
    target, patient = np.ones(30, dtype=int), np.arange(30)
    plain = fit_conformal(both, target, patient=patient)
    worst = both[np.argmin(probability)][None]
    copied = fit_conformal(
        np.r_[both, np.repeat(worst, 50, axis=0)],
        np.ones(80, dtype=int),
        patient=np.r_[patient, np.full(50, np.argmin(probability))],
    )
    assert copied.limits == plain.limits


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90.0])
def test_a_coverage_that_is_no_share_is_refused(coverage: float) -> None:
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        fit_conformal(np.full((4, 2), 0.5), np.array([0, 1, 0, 1]), coverage=coverage)
