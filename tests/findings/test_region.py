"""Boxes and points by hand, and their way to the patient and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield import geometry
from hounsfield.findings.region import Box, Point, point_on

numbers = st.floats(-100, 100)
spacings = st.floats(0.05, 5)


def test_a_box_measures_from_its_exclusive_borders() -> None:
    box = Box(x0=2, y0=1, x1=6, y1=9)
    assert (box.width, box.height, box.center, box.depth) == (4, 8, (4, 5), 1)


def test_a_pixel_lies_around_its_index() -> None:
    affine = geometry.affine_from_axes(
        origin_mm=np.array([10.0, 20, 30]), spacing_mm=(3, 0.5, 0.25), directions=np.eye(3)
    )

    placed = Box(0, 0, 1, 1, label="first pixel").placed(affine)

    assert placed.corner_mm == pytest.approx((10 - 1.5, 20 - 0.25, 30 - 0.125))
    assert np.diag(placed.edges_mm) == pytest.approx([3, 0.5, 0.25])
    assert placed.middle_mm == pytest.approx((10, 20, 30))
    assert placed.said.label == "first pixel"


@given(numbers, numbers, numbers, spacings, spacings, spacings, st.booleans(), st.integers(-20, 20), st.integers(1, 5))
def test_a_box_goes_through_crop_flip_and_resampling_and_back_without_loss(
    x, y, z, a, b, c, turned, start, fold
) -> None:
    box = Box(x, y, x + 7.5, y + 3.25, "mass", z, z + 2, (("margin", "clear"),))
    stored = geometry.affine_from_axes(
        origin_mm=np.array([x, z, y]), spacing_mm=(a, b, c), directions=np.eye(3)[:, ::-1]
    )
    other = geometry.cropped(stored, (start, -start, 2 * start))
    other = geometry.flipped(other, axis=2, length=50) if turned else other
    other = geometry.resized(other, (8, 64, 40), (8, 64 * fold, 10 * fold))

    there = box.placed(stored).on(other)
    back = there.placed(other).on(stored)

    sides = [(back.x0, box.x0), (back.y0, box.y0), (back.z0, box.z0), (back.x1, box.x1), (back.y1, box.y1)]
    assert all(found == pytest.approx(wanted, abs=1e-8) for found, wanted in sides)
    assert (back.label, back.attributes) == (box.label, box.attributes)
    assert there.height == pytest.approx(box.height * fold)


def test_on_a_turned_grid_a_box_is_the_smallest_that_holds_it() -> None:
    quarter, eighth = (
        np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]]) for t in (np.pi / 2, np.pi / 4)
    )
    straight = geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 1, 1), directions=np.eye(3))

    def on(directions: np.ndarray) -> Box:
        grid = geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 1, 1), directions=directions)
        return Box(0, 0, 10, 4).placed(straight).on(grid)

    assert (on(quarter).width, on(quarter).height) == pytest.approx((4, 10))
    assert (on(eighth).width, on(eighth).height) == pytest.approx((14 / 2**0.5, 14 / 2**0.5))


def test_a_point_goes_to_the_patient_and_back() -> None:
    affine = geometry.affine_from_axes(origin_mm=np.array([5.0, 6, 7]), spacing_mm=(2, 3, 4), directions=np.eye(3))

    assert Point(0.5, 0.5).position_mm(affine) == (5, 6, 7)
    assert point_on(Point(3.25, 8.5, 1.0).position_mm(affine), affine, label="apex") == Point(3.25, 8.5, 1.0, "apex")


def test_the_part_of_a_box_on_an_image_is_left_or_none_is() -> None:
    over = Box(-3, 4, 6, 99, "mass", 2, 9, (("margin", "clear"),))

    part = over.within((5, 20, 30))

    assert part == Box(0, 4, 6, 20, "mass", 2, 5) and part.attributes == over.attributes
    assert Box(5, 5, 9, 9).within((1, 20, 30)) == Box(5, 5, 9, 9)
    assert Box(-3, 4, 0, 9).within((1, 20, 30)) is None
    assert Box(1, 4, 9, 9, "", 5, 6).within((5, 20, 30)) is None
