"""FROC: by hand, against the obvious way of drawing patients, and whether its intervals hold what they should."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hounsfield.evaluation.froc import RATES, Responses, alarms_at, froc, sensitivity_at, threshold_at
from hounsfield.evaluation.froc import _sensitivities as sensitivities
from hounsfield.evaluation.resampling import patient_weights

MISSED = float("-inf")


def some(*, patients: int = 12, seed: int = 0) -> Responses:
    """Two images a patient, scores with ties, a fifth of the lesions missed."""
    rng = np.random.default_rng(seed)
    images = np.repeat(np.arange(patients), 2)
    lesions = rng.integers(0, patients, 2 * patients)
    hits = np.where(rng.random(len(lesions)) < 0.2, MISSED, np.round(rng.beta(4, 2, len(lesions)), 1))
    alarms = rng.integers(0, patients, 8 * patients)
    return Responses(hits, lesions, np.round(rng.beta(2, 4, len(alarms)), 1), alarms, images)


def test_by_hand() -> None:
    responses = Responses(
        lesion_scores=np.array([0.9, 0.6, 0.2, MISSED]),
        lesion_patients=np.array([0, 0, 1, 1]),
        alarm_scores=np.array([0.7, 0.5, 0.3]),
        alarm_patients=np.array([0, 1, 1]),
        image_patients=np.array([0, 1]),
    )

    found = froc(responses, resamples=50, seed=0, rates=(0.25, 0.5, 1.0, 8.0))

    # 0, 1, 2 and all alarms on two images may be said: above 0.7, above 0.5, above 0.3, everything
    assert [score.value for score in found.sensitivities] == [0.25, 0.5, 0.5, 0.75]
    assert found.mean.value == pytest.approx(0.5)
    assert 0.5 < threshold_at(responses, 0.5) < 0.6
    assert threshold_at(responses, 8.0) == MISSED
    assert sensitivity_at(responses, 0.5) == 0.5
    assert sensitivity_at(responses, MISSED) == 0.75
    assert alarms_at(responses, 0.5) == 1.0


def test_a_lesion_and_an_alarm_with_one_score_count_as_missed() -> None:
    responses = Responses(np.array([0.5, 0.5]), np.array([0, 1]), np.array([0.5]), np.array([0]), np.array([0, 1]))

    low, high = froc(responses, resamples=20, seed=0, rates=(0.25, 0.5)).sensitivities

    assert (low.value, high.value) == (0.0, 1.0)


def test_a_draw_is_as_if_its_patients_were_copied_out() -> None:
    responses = some()
    rates = np.array(RATES)

    for weights in np.concatenate(list(patient_weights(responses.patients, resamples=40, seed=3))):
        times = weights.astype(int)
        copied = Responses(
            np.repeat(responses.lesion_scores, times[responses.lesion_patients]),
            np.repeat(responses.lesion_patients, times[responses.lesion_patients]),
            np.repeat(responses.alarm_scores, times[responses.alarm_patients]),
            np.repeat(responses.alarm_patients, times[responses.alarm_patients]),
            np.repeat(responses.image_patients, times[responses.image_patients]),
        )
        expected = [sensitivity_at(copied, threshold_at(copied, rate)) for rate in RATES]
        assert_allclose(sensitivities(responses, weights[None], rates)[0], expected)


def test_without_a_false_alarm_everything_hit_is_found_at_every_rate() -> None:
    responses = Responses(np.array([0.1, MISSED]), np.array([0, 1]), np.array([]), np.array([], int), np.array([0, 1]))

    assert [score.value for score in froc(responses, resamples=10, seed=0).sensitivities] == [0.5] * len(RATES)


def test_intervals_hold_what_more_patients_show() -> None:
    truth = froc(some(patients=4000, seed=9), resamples=2, seed=0).sensitivities[3].value
    intervals = [froc(some(patients=60, seed=seed), resamples=300, seed=0).sensitivities[3] for seed in range(40)]

    assert sum(one.low <= truth <= one.high for one in intervals) >= 35


def test_the_curve_rises_with_its_band_around_it() -> None:
    curve = froc(some(), resamples=200, seed=0).curve

    assert all(np.diff(curve.x) > 0) and all(np.diff(curve.y) >= 0)
    assert all(low <= y <= high for low, y, high in zip(curve.low, curve.y, curve.high, strict=True))
