"""Surfaces of masks: by hand, and against those that segmentations are scored with."""

import numpy as np
import pytest
from masks import ball, grid

from hounsfield.errors import ShapeError
from hounsfield.evaluation.surface_distance import surface_distances
from hounsfield.findings.surface import around, closed_surface, surface_within


def test_the_surface_of_a_single_voxel_is_an_octahedron_through_the_middles_of_its_sides() -> None:
    mask = np.zeros((3, 3, 3), dtype=bool)
    mask[1, 1, 1] = True
    surface = closed_surface(mask, np.eye(4))
    assert surface.area == pytest.approx(3**0.5)  # eight triangles of side 1 / √2
    np.testing.assert_allclose(np.abs(surface.points_mm - 1), 1 / 6)


def test_the_outline_of_a_single_pixel_is_a_square_through_the_middles_of_its_sides() -> None:
    surface = closed_surface(np.ones((1, 1, 1), dtype=bool), np.diag([9.0, 1, 1, 1]))
    assert surface.area == pytest.approx(4 * 0.5**0.5)
    assert set(surface.points_mm[:, 0]) == {0.0}


def test_a_flat_surface_lies_half_way_between_the_voxels_and_has_the_area_of_their_sides() -> None:
    mask = np.zeros((6, 7, 8), dtype=bool)
    mask[:3] = True
    surface = surface_within(mask, np.diag([3.0, 2, 1, 1]), (slice(0, 6), slice(0, 7), slice(0, 8)))
    assert set(surface.points_mm[:, 0]) == {7.5}
    assert surface.area == pytest.approx(6 * 7 * 2)  # between the outermost centres


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 1.0, 0.7)])
def test_areas_are_those_that_segmentations_are_scored_with(spacing: tuple[float, float, float]) -> None:
    mask = np.random.default_rng(0).random((9, 10, 11)) < 0.5
    for one, pair in ((mask, (mask, spacing)), (mask[:1], (mask[0], spacing[1:]))):
        scored = surface_distances(pair[0], pair[0], pair[1])
        assert closed_surface(one, np.diag([*spacing, 1])).area == pytest.approx(scored.there.size)


def test_a_ball_is_eight_per_cent_too_large_on_a_grid() -> None:
    surface = closed_surface(ball((50, 50, 50), (1, 1, 1), np.full(3, 24.7), 20), np.eye(4))
    assert surface.area / (4 * np.pi * 20**2) == pytest.approx(1.08, abs=0.01)


def test_points_are_in_the_patient_on_an_oblique_grid() -> None:
    affine, centre = grid((2, 1, 0.5), oblique=True), np.array([20.0, 20, 20])
    surface = closed_surface(ball((20, 40, 80), (2, 1, 0.5), centre, 12), affine)
    middle = affine[:3, :3] @ (centre / (2, 1, 0.5)) + affine[:3, 3]
    distances = np.linalg.norm(surface.points_mm - middle, axis=1)
    assert abs(distances - 12).max() < 1.2 and distances.mean() == pytest.approx(12, abs=0.15)


def test_the_voxels_around_a_piece_are_told_from_those_beyond_the_image() -> None:
    mask = np.ones((1, 1, 1), dtype=bool)
    lonely = np.pad(mask, 1)
    inside, there = around(lonely, closed_surface(lonely, np.eye(4)).cells)
    assert inside.sum(axis=1).tolist() == [1] * 8 and there.all()
    inside, there = around(np.ones((2, 2, 2), dtype=bool), np.array([[-1, -1, -1]]))
    assert (inside.sum(), there.sum()) == (1, 1)


@pytest.mark.parametrize("mask", [np.zeros((2, 2), dtype=bool), np.zeros((2, 2, 2), dtype=np.uint8)])
def test_what_is_no_mask_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"bool of shape \(depth, height, width\), not"):
        closed_surface(mask, np.eye(4))
