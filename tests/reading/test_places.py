"""Findings on the image as stored: the sure ones, each with how long the sides of its box are."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.arrays import FloatArray
from hounsfield.bundle import FindingPoint
from hounsfield.findings import Answer, Finding
from hounsfield.plan import Detection
from hounsfield.reading.places import disagreement, findings_of, places_on_image
from hounsfield.tasks.detection import Findings

POINT = FindingPoint(0.5, "")
MASSES = Detection(kinds=("benign", "malignant"), positive=("malignant",))
TWICE = np.diag([1.0, 2.0, 2.0, 1.0])
"""From the network's input to an image of twice its size."""


def shown(
    found: Findings, onto: FloatArray, *, shape: tuple[int, int, int], spacing_mm: tuple[float, ...] = ()
) -> tuple[Finding, ...]:
    """The findings of an image that are shown."""
    places = places_on_image(found, onto, POINT, shape)
    return findings_of(places, POINT, MASSES, dims=found.boxes.shape[1] // 2, spacing_mm=spacing_mm)


def test_sides_are_in_mm_of_the_image_as_stored_along_x_and_y() -> None:
    found = Findings(np.array([[10.0, 10.0, 30.0, 20.0], [0.0, 0.0, 5.0, 5.0]]), np.array([[0.1, 0.7], [0.2, 0.1]]))
    (one,) = shown(found, TWICE, shape=(1, 200, 200), spacing_mm=(1.0, 0.1, 0.2))

    assert one.label == "malignant" and one.box is not None
    assert (one.box.width, one.box.height) == (pytest.approx(40), pytest.approx(20))
    assert one.sides == (pytest.approx(8.0), pytest.approx(2.0)) and one.sides_unit == "mm"


def test_sides_are_in_pixels_where_nobody_knows_these_and_three_in_volumes() -> None:
    flat = Findings(np.array([[10.0, 10.0, 30.0, 20.0]]), np.array([[0.1, 0.7]]))
    deep = Findings(np.array([[10.0, 10.0, 2.0, 30.0, 20.0, 6.0]]), np.array([[0.1, 0.7]]))

    (one,) = shown(flat, TWICE, shape=(1, 200, 200))
    (other,) = shown(deep, np.eye(4), shape=(9, 50, 50), spacing_mm=(5.0, 1.0, 1.0))
    assert one.sides == (pytest.approx(40), pytest.approx(20)) and one.sides_unit == "pixels"
    assert other.sides == (pytest.approx(20), pytest.approx(10), pytest.approx(20)) and other.sides_unit == "mm"


def test_findings_end_where_the_image_does_and_what_lies_beside_it_is_none() -> None:
    onto = TWICE.copy()
    onto[1, 3] = -16  # the input has 8 rows above the image that are filled up
    boxes = np.array([[2.0, 4.0, 30.0, 20.0], [2.0, 0.0, 30.0, 8.0]])

    (one,) = shown(Findings(boxes, np.array([[0.0, 0.8], [0.0, 0.9]])), onto, shape=(1, 100, 50))

    assert one.box is not None and one.probability == pytest.approx(0.8)
    assert (one.box.x0, one.box.y0, one.box.x1) == (pytest.approx(4, abs=1), 0, 50)
    assert one.sides == (pytest.approx(one.box.width), pytest.approx(one.box.height))


@pytest.mark.parametrize(
    ("shares", "positive", "told"),
    [
        ([[0.1, 0.7]], True, ""),
        ([[0.7, 0.1]], False, ""),
        ([], False, ""),
        ([[0.1, 0.7]], False, "is below its threshold, and yet malignant findings are shown"),
        (
            [[0.5, 0.3], [0.1, 0.2]],
            True,
            "reaches its threshold, and yet no malignant finding is shown: the surest place, around x 39, y 29, is "
            "malignant with 0.30 and shown as benign.",
        ),
        ([[0.7, 0.1], [0.1, 0.3]], True, "around x 19, y 9, is malignant with 0.30 and not shown."),
        ([], True, "no malignant finding is shown: nothing was found on it."),
    ],
)
def test_a_note_says_where_findings_and_the_image_as_a_whole_disagree(
    shares: list[list[float]], positive: bool, told: str
) -> None:
    boxes = np.array([[10.0, 10.0, 30.0, 20.0], [0.0, 0.0, 20.0, 10.0]])[: len(shares)]
    found = Findings(boxes, np.array(shares).reshape(-1, 2))
    places = places_on_image(found, TWICE, POINT, (1, 200, 200))
    findings = findings_of(places, POINT, MASSES, dims=2)

    notes = disagreement(findings, places, Answer("malignant", 0.5, 0.4, positive), MASSES, dims=2)

    assert len(notes) == bool(told)
    assert told in "".join(notes)
