"""Cuts through a volume at any angle."""

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.reporting.plane import (
    centred,
    plane_through,
    sampled,
    sampled_mask,
    side_letters,
    slice_plane,
)

AFFINE = geometry.affine_from_axes(
    origin_mm=np.array([-10.0, -20, 5]), spacing_mm=(3, 1, 0.5), directions=np.eye(3)[:, ::-1]
)
VOXELS = np.random.default_rng(0).normal(size=(8, 30, 40)).astype(np.float32)


def test_the_plane_of_a_slice_shows_its_voxels() -> None:
    middle = geometry.world_from_index(AFFINE, np.array([[4.0, 14.5, 19.5]]))[0]
    plane = slice_plane(AFFINE, middle, size_mm=(30, 20), pixel_mm=0.5)
    shown = sampled(VOXELS, AFFINE, plane)
    assert shown.shape == (60, 40)
    np.testing.assert_allclose(shown[1:-1:2] * 0.25 + shown[2::2] * 0.75, shown[2::2], atol=2)
    rows = VOXELS[4, :-1] * 0.75 + VOXELS[4, 1:] * 0.25  # pixels lie a quarter of a row off
    np.testing.assert_allclose(shown[1:-1:2], rows, atol=1e-4)
    assert side_letters(plane) == ("R", "L", "A", "P")


def test_both_points_lie_on_the_plane_through_them() -> None:
    one, other = np.array([-3.0, -8, 8]), np.array([4.0, 2, 20])
    plane = plane_through(AFFINE, one, other, size_mm=(40, 40), pixel_mm=0.25)
    positions = plane.positions_mm()
    for point in (one, other):
        column, row = plane.pixel_of(point)
        np.testing.assert_allclose(positions[round(row), round(column)], point, atol=0.26)
    assert side_letters(plane)[2:] == ("S", "I")
    moved = centred(plane, np.stack([one, other, one + 5]))
    assert (moved.centre_mm - plane.centre_mm) @ np.cross(plane.right, plane.down) == pytest.approx(0)


def test_points_straight_above_each_other_have_a_plane_too() -> None:
    one, other = np.array([0.0, 0, 8]), np.array([0.0, 0, 20])
    plane = plane_through(AFFINE, one, other, size_mm=(40, 40), pixel_mm=0.5)
    assert plane.right @ plane.down == pytest.approx(0) and np.linalg.norm(plane.right) == pytest.approx(1)


def test_the_border_of_a_mask_is_half_way_between_voxels_and_beyond_the_image_is_nothing() -> None:
    mask = np.zeros((8, 30, 40), dtype=bool)
    mask[:, :, :20] = True
    middle = geometry.world_from_index(AFFINE, np.array([[4.0, 15, 19.5]]))[0]
    plane = slice_plane(AFFINE, middle, size_mm=(10, 40), pixel_mm=0.1)
    inside = sampled_mask(mask, AFFINE, plane)
    assert inside[50].sum() == pytest.approx(100, abs=1)  # 20 columns of 0.5 mm
    assert np.isnan(sampled(VOXELS, AFFINE, plane, outside=np.nan)[:, 0]).all()
