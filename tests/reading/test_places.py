"""Findings on the image as stored: the sure ones, each with how long the sides of its box are."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.bundle import FindingPoint
from hounsfield.plan import Detection
from hounsfield.reading.places import findings_of
from hounsfield.tasks.detection import Findings

POINT = FindingPoint(0.5, "")
MASSES = Detection(kinds=("benign", "malignant"), positive=("malignant",))
TWICE = np.diag([1.0, 2.0, 2.0, 1.0])
"""From the network's input to an image of twice its size."""


def test_sides_are_in_mm_of_the_image_as_stored_along_x_and_y() -> None:
    found = Findings(np.array([[10.0, 10.0, 30.0, 20.0], [0.0, 0.0, 5.0, 5.0]]), np.array([[0.1, 0.7], [0.2, 0.1]]))
    (one,) = findings_of(found, TWICE, POINT, MASSES, spacing_mm=(1.0, 0.1, 0.2))

    assert one.label == "malignant" and one.box is not None
    assert (one.box.width, one.box.height) == (pytest.approx(40), pytest.approx(20))
    assert one.sides == (pytest.approx(8.0), pytest.approx(2.0)) and one.sides_unit == "mm"


def test_sides_are_in_pixels_where_nobody_knows_these_and_three_in_volumes() -> None:
    flat = Findings(np.array([[10.0, 10.0, 30.0, 20.0]]), np.array([[0.1, 0.7]]))
    deep = Findings(np.array([[10.0, 10.0, 2.0, 30.0, 20.0, 6.0]]), np.array([[0.1, 0.7]]))

    (one,) = findings_of(flat, TWICE, POINT, MASSES)
    (other,) = findings_of(deep, np.eye(4), POINT, MASSES, spacing_mm=(5.0, 1.0, 1.0))
    assert one.sides == (pytest.approx(40), pytest.approx(20)) and one.sides_unit == "pixels"
    assert other.sides == (pytest.approx(20), pytest.approx(10), pytest.approx(20)) and other.sides_unit == "mm"
