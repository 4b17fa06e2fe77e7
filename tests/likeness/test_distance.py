"""How far images lie from those that were learned from."""

import numpy as np
import pytest

from hounsfield.arrays import FloatArray
from hounsfield.likeness.distance import distances_of


def on_the_circle(angles: FloatArray) -> FloatArray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_distance_is_the_mean_to_the_five_nearest() -> None:
    points = on_the_circle(np.deg2rad(np.arange(0, 60, 5.0)))
    found = distances_of(points, np.arange(12))
    assert found is not None
    expected = np.mean([1 - np.cos(np.deg2rad(angle)) for angle in (5, 10, 15, 20, 25)])
    assert found.of(on_the_circle(np.deg2rad([60.0])))[0] == pytest.approx(expected, abs=1e-6)


def test_images_of_ones_own_patient_do_not_make_an_image_near() -> None:
    points = np.repeat(on_the_circle(np.deg2rad(np.arange(0, 120, 10.0))), 6, axis=0)  # six alike of each patient
    alone = distances_of(points, np.arange(72))
    together = distances_of(points, np.repeat(np.arange(12), 6))
    assert alone is not None and together is not None
    assert alone.farthest == pytest.approx(0, abs=1e-6)
    assert together.usual > 0.01


def test_one_outlier_does_not_move_the_limit_far() -> None:
    rng = np.random.default_rng(0)
    points = on_the_circle(np.r_[rng.normal(0, 0.2, 400), np.pi])
    found = distances_of(points, np.arange(401))
    assert found is not None
    assert found.usual <= found.farthest <= 1.25 * found.usual < 0.5


def test_of_too_few_patients_nothing_is_known() -> None:
    assert distances_of(on_the_circle(np.linspace(0, 1, 90)), np.arange(90) % 9) is None


def test_of_few_patients_the_limit_lies_beyond_the_farthest() -> None:
    rng = np.random.default_rng(1)
    few, many = (distances_of(on_the_circle(rng.normal(0, 0.3, count)), np.arange(count)) for count in (20, 200))
    assert few is not None and many is not None
    assert few.farthest == pytest.approx(1.25 * few.usual)
    assert many.usual <= many.farthest <= 1.25 * many.usual
