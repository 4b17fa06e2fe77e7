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
    (one,) = findings_of(found, TWICE, POINT, MASSES, shape=(1, 200, 200), spacing_mm=(1.0, 0.1, 0.2))

    assert one.label == "malignant" and one.box is not None
    assert (one.box.width, one.box.height) == (pytest.approx(40), pytest.approx(20))
    assert one.sides == (pytest.approx(8.0), pytest.approx(2.0)) and one.sides_unit == "mm"


def test_sides_are_in_pixels_where_nobody_knows_these_and_three_in_volumes() -> None:
    flat = Findings(np.array([[10.0, 10.0, 30.0, 20.0]]), np.array([[0.1, 0.7]]))
    deep = Findings(np.array([[10.0, 10.0, 2.0, 30.0, 20.0, 6.0]]), np.array([[0.1, 0.7]]))

    (one,) = findings_of(flat, TWICE, POINT, MASSES, shape=(1, 200, 200))
    (other,) = findings_of(deep, np.eye(4), POINT, MASSES, shape=(9, 50, 50), spacing_mm=(5.0, 1.0, 1.0))
    assert one.sides == (pytest.approx(40), pytest.approx(20)) and one.sides_unit == "pixels"
    assert other.sides == (pytest.approx(20), pytest.approx(10), pytest.approx(20)) and other.sides_unit == "mm"


def test_findings_end_where_the_image_does_and_what_lies_beside_it_is_none() -> None:
    onto = TWICE.copy()
    onto[1, 3] = -16  # the input has 8 rows above the image that are filled up
    boxes = np.array([[2.0, 4.0, 30.0, 20.0], [2.0, 0.0, 30.0, 8.0]])

    (one,) = findings_of(
        Findings(boxes, np.array([[0.0, 0.8], [0.0, 0.9]])), onto, POINT, MASSES, shape=(1, 100, 50), spacing_mm=()
    )

    assert one.box is not None and one.probability == pytest.approx(0.8)
    assert (one.box.x0, one.box.y0, one.box.x1) == (pytest.approx(4, abs=1), 0, 50)
    assert one.sides == (pytest.approx(one.box.width), pytest.approx(one.box.height))
