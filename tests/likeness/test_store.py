"""What is remembered comes back from disk."""

import numpy as np
import pytest

from hounsfield.likeness import Examples, Remembered, read_remembered, write_remembered
from hounsfield.likeness.distance import Distances
from hounsfield.likeness.postures import Postures


def remembered() -> Remembered:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 8)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    limits = np.array([0.1, np.inf, np.inf, 0.2, np.inf])
    probe = Postures(points[0], rng.normal(size=(8, 6)).astype(np.float32), limits)
    pictures = rng.integers(0, 255, (5, 64, 64)).astype(np.uint8)
    examples = Examples(rng.normal(size=(5, 3)).astype(np.float32), np.array([0, 1, 0, 1, 1]), pictures)
    return Remembered({"image": Distances(points, 0.3, 0.4)}, {"image": probe}, examples)


def test_there_and_back() -> None:
    given = remembered()
    likeness, shown = write_remembered(given)
    found = read_remembered(likeness, shown)
    assert (found.distances["image"].usual, found.distances["image"].farthest) == (0.3, 0.4)
    np.testing.assert_allclose(found.distances["image"].points, given.distances["image"].points, atol=1e-3)
    np.testing.assert_array_equal(found.postures["image"].limits, given.postures["image"].limits)
    assert found.examples is not None and given.examples is not None
    np.testing.assert_array_equal(found.examples.pictures, given.examples.pictures)


def test_pictures_may_be_left_out_and_the_rest_shows_none() -> None:
    likeness, _ = write_remembered(remembered())
    assert read_remembered(likeness, None).examples is None
    assert b"pictures" not in likeness


def test_nothing_remembered_comes_back_as_nothing() -> None:
    likeness, shown = write_remembered(Remembered())
    assert shown is None
    assert read_remembered(likeness, None).distances == {}


def test_the_nearest_examples_are_those_of_the_smallest_angle() -> None:
    features = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    examples = Examples(features, np.array([0, 1, 0, 1]), np.zeros((4, 64, 64), np.uint8))
    found = examples.nearest(np.array([0.9, 0.3]), ("plain", "bright"), count=2)
    assert [(one.number, one.label) for one in found] == [(0, "plain"), (1, "bright")]
    assert found[0].similarity == pytest.approx(0.9 / np.hypot(0.9, 0.3))
