"""Sizes and axes of ellipsoids whose own are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import ball, ellipsoid, grid
from scipy.spatial.distance import pdist

from hounsfield import geometry
from hounsfield.errors import ImageError
from hounsfield.findings.axes import measure_axes
from hounsfield.findings.measure import is_cut, measure_size


@settings(max_examples=15, deadline=None)
@given(st.floats(7, 16), st.floats(5, 7), st.floats(0, 180), st.sampled_from([(1, 1, 1), (3, 1, 0.8)]), st.booleans())
def test_the_axes_of_an_ellipsoid_are_right_to_half_a_voxel_at_each_end(long, short, degrees, spacing, oblique) -> None:
    shape = tuple(int(40 / mm) for mm in spacing)
    mask = ellipsoid(shape, spacing, np.array([20.2, 19.7, 20.4]), (6, long, short), degrees=degrees)
    size = measure_size(mask, grid(spacing, oblique=oblique))
    pixel = max(spacing[1:])
    assert size.axes.long.length_mm == pytest.approx(2 * long, abs=pixel)
    if long > 1.4 * short:  # else the direction of the long axis is a matter of chance
        assert size.axes.short.length_mm == pytest.approx(2 * short, abs=1.3 * pixel)
    assert size.volume == pytest.approx(4 / 3 * np.pi * 6 * long * short, rel=0.05)
    assert abs(size.volume - 4 / 3 * np.pi * 6 * long * short) < size.volume_uncertainty
    for diameter in (size.axes.long, size.axes.short, size.axes.longest):
        apart = np.linalg.norm(np.subtract(diameter.from_mm, diameter.to_mm))
        assert apart == pytest.approx(diameter.length_mm)


def test_the_longest_diameter_in_space_is_right_to_half_a_voxel_at_each_end() -> None:
    mask = ellipsoid((60, 40, 40), (1, 1, 1), np.array([30.3, 20.1, 19.8]), (25, 8, 6))
    axes = measure_axes(mask, np.eye(4))
    assert axes.longest.length_mm == pytest.approx(50, abs=1)
    assert axes.long.length_mm == pytest.approx(16, abs=1)


def test_the_long_axis_is_the_furthest_pair_of_all_middles_of_sides() -> None:
    mask = np.random.default_rng(1).random((1, 14, 17)) < 0.2
    affine = grid((1, 2.0, 0.7), oblique=True)
    padded = np.pad(mask[0], 1).astype(int)
    rows = [(row - 0.5, column) for row, column in np.argwhere(np.diff(padded, axis=0)[:, 1:-1])]
    columns = [(row, column - 0.5) for row, column in np.argwhere(np.diff(padded, axis=1)[1:-1])]
    index = np.array([(0, row, column) for row, column in rows + columns], dtype=float)
    furthest = pdist(geometry.world_from_index(affine, index)).max()
    assert measure_axes(mask, affine).long.length_mm == pytest.approx(furthest)


def test_a_box_is_as_long_as_its_voxels_and_its_short_axis_stands_at_right_angles() -> None:
    mask = np.zeros((3, 8, 9), dtype=bool)
    mask[1, 2:3, 1:8] = True
    axes = measure_axes(mask, grid((4, 2, 1)))
    assert axes.long.length_mm == pytest.approx(7) and axes.short.length_mm == pytest.approx(2)
    assert axes.slice_index == 1
    along = np.subtract(axes.long.to_mm, axes.long.from_mm)
    assert along @ np.subtract(axes.short.to_mm, axes.short.from_mm) == pytest.approx(0)


def test_a_single_voxel_has_the_size_of_a_voxel() -> None:
    size = measure_size(np.pad(np.ones((1, 1, 1), dtype=bool), 1), grid((3, 2, 1)))
    assert (size.volume, size.axes.long.length_mm, size.axes.short.length_mm) == (6, 2, 1)
    assert size.axes.longest.length_mm == 3 and size.volume_uncertainty == 3


def test_a_planar_lesion_has_an_area_and_an_outline() -> None:
    mask = ball((1, 60, 60), (5, 1, 1), np.array([0, 29.6, 30.2]), 20)
    size = measure_size(mask, grid((5, 1, 1)))
    assert size.planar and size.volume == pytest.approx(np.pi * 400, rel=0.01)
    assert size.effective_diameter_mm == pytest.approx(40, abs=0.3)
    assert size.axes.longest == size.axes.long
    assert size.sphericity == pytest.approx(0.95, abs=0.02)


def test_a_ball_is_rounder_than_a_rod_and_who_multiplies_the_axes() -> None:
    round_one = measure_size(ball((40, 40, 40), (1, 1, 1), np.full(3, 19.7), 15), np.eye(4))
    rod = measure_size(ellipsoid((40, 40, 60), (1, 1, 1), np.array([20, 20, 30.0]), (4, 4, 25)), np.eye(4))
    assert round_one.sphericity == pytest.approx(0.92, abs=0.01) and rod.sphericity < 0.75
    assert rod.who_product_mm2 == rod.axes.long.length_mm * rod.axes.short.length_mm


def test_a_lesion_at_the_border_is_cut_but_not_across_the_only_slice() -> None:
    mask = np.zeros((4, 5, 6), dtype=bool)
    mask[1:3, 1:4, 1:5] = True
    assert not is_cut(mask) and not is_cut(mask[1:2])
    mask[3, 2, 2] = True
    assert is_cut(mask) and measure_size(mask, np.eye(4)).cut


def test_nothing_cannot_be_measured() -> None:
    for measured in (measure_size, measure_axes):
        with pytest.raises(ImageError, match="mask is empty"):
            measured(np.zeros((2, 3, 4), dtype=bool), np.eye(4))
