"""Surfaces and their distances against a brute-force computation and the reference implementation."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import surface_distance as reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ShapeError
from hounsfield.evaluation import surface_distance as module
from hounsfield.evaluation.surface_distance import surface_distances
from hounsfield.findings.surface_pieces import cell_codes, pieces

SPACINGS = ((1.0, 1.0, 1.0), (3.0, 0.5, 0.7), (0.8, 2.5, 1.3), (12.0, 1.0, 1.0))


def element_sizes(spacing: tuple[float, ...]) -> FloatArray:
    sizes: FloatArray = pieces(spacing)[1].sum(axis=1)
    return sizes


def blob(seed: int, shape: tuple[int, ...] = (14, 17, 12), level: float = 0.15) -> BoolArray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.0)
    found: BoolArray = noise > level * noise.max()
    return found


def by_hand(one: BoolArray, other: BoolArray, spacing: tuple[float, ...]) -> FloatArray:
    """From every edge voxel of one mask to the nearest of the other, all against all."""
    starts, goals = (np.argwhere(mask & ~ndimage.binary_erosion(mask)) * spacing for mask in (one, other))
    found: FloatArray = np.sort(np.linalg.norm(starts[:, None] - goals[None], axis=2).min(axis=1))
    return found


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_elements_area_is_the_reference_implementations(spacing: tuple[float, float, float]) -> None:
    from surface_distance import lookup_tables

    bits: Any = np.asarray(lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL)
    theirs = lookup_tables.create_table_neighbour_code_to_surface_area(spacing)
    corners = list(product((0, 1), repeat=3))
    same = [sum(int(bits[corner]) for bit, corner in enumerate(corners) if code >> bit & 1) for code in range(256)]
    np.testing.assert_allclose(element_sizes(spacing), theirs[same], atol=1e-12)


def test_every_outlines_length_is_the_reference_implementations() -> None:
    from surface_distance import lookup_tables

    bits: Any = np.asarray(lookup_tables.ENCODE_NEIGHBOURHOOD_2D_KERNEL)
    theirs = lookup_tables.create_table_neighbour_code_to_contour_length((0.5, 2.0))
    corners = list(product((0, 1), repeat=2))
    same = [sum(int(bits[corner]) for bit, corner in enumerate(corners) if code >> bit & 1) for code in range(16)]
    np.testing.assert_allclose(element_sizes((0.5, 2.0)), theirs[same], atol=1e-12)


def test_a_plane_has_its_area_and_a_ball_nearly() -> None:
    plane = np.zeros((5, 9, 9), dtype=bool)
    plane[:2] = True
    codes = cell_codes(plane)
    assert element_sizes((3.0, 0.5, 0.25))[codes].sum() == pytest.approx(8 * 8 * 0.125)
    grid = np.indices((41, 41, 41)) - 20
    ball = np.sqrt((grid**2).sum(axis=0)) <= 15
    assert element_sizes((1.0, 1.0, 1.0))[cell_codes(ball)].sum() == pytest.approx(4 * np.pi * 15**2, rel=0.1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the reference implementation calls SciPy
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seeds", [(0, 1), (2, 2), (3, 7)])
def test_elements_give_what_the_reference_implementation_gives(
    seeds: tuple[int, int], spacing: tuple[float, float, float]
) -> None:
    ours, theirs = blob(seeds[0]), blob(seeds[1], level=0.2)
    found = surface_distances(ours, theirs, spacing)
    known = reference.compute_surface_distances(theirs, ours, spacing)
    for percent in (50.0, 95.0, 100.0):
        assert found.hausdorff(percent) == pytest.approx(reference.compute_robust_hausdorff(known, percent))
    back, there = reference.compute_average_surface_distance(known)
    assert (found.there.mean, found.back.mean) == pytest.approx((there, back))
    for tolerance in (0.0, 1.0, 2.5):
        wanted = reference.compute_surface_dice_at_tolerance(known, tolerance)
        assert found.surface_dice(tolerance) == pytest.approx(wanted)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_outlines_give_what_the_reference_implementation_gives() -> None:
    ours, theirs = blob(1, (40, 30)), blob(2, (40, 30))
    found = surface_distances(ours, theirs, (0.5, 0.8))
    known = reference.compute_surface_distances(theirs, ours, (0.5, 0.8))
    assert found.hausdorff() == pytest.approx(reference.compute_robust_hausdorff(known, 95))
    assert found.surface_dice(1.0) == pytest.approx(reference.compute_surface_dice_at_tolerance(known, 1.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(SPACINGS), st.integers(2, 3))
def test_edge_voxels_give_what_all_against_all_gives(
    one: int, other: int, spacing: tuple[float, float, float], dims: int
) -> None:
    shape = (9, 8, 7)[:dims]
    ours, theirs = blob(one, shape), blob(other, shape)
    assume(ours.any() and theirs.any())
    found = surface_distances(ours, theirs, spacing[:dims], surface="edge voxels")
    np.testing.assert_allclose(found.there.distances, by_hand(ours, theirs, spacing[:dims]))
    np.testing.assert_allclose(found.back.distances, by_hand(theirs, ours, spacing[:dims]))


def test_far_places_are_found_by_the_tree_as_near_ones_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = np.zeros((8, 60, 60), dtype=bool), np.zeros((8, 60, 60), dtype=bool)
    ours[2:5, 2:20, 2:20] = True
    theirs[3:6, 30:58, 5:50] = True
    usual = surface_distances(ours, theirs, (2.0, 1.0, 1.0), surface="edge voxels")
    np.testing.assert_allclose(usual.there.distances, by_hand(ours, theirs, (2.0, 1.0, 1.0)))
    monkeypatch.setattr(module, "STEPS", 1)
    module._steps.cache_clear()
    by_tree = surface_distances(ours, theirs, (2.0, 1.0, 1.0), surface="edge voxels")
    module._steps.cache_clear()
    np.testing.assert_allclose(by_tree.back.distances, usual.back.distances)


def test_what_is_empty_is_infinitely_far_from_all_but_nothing() -> None:
    nothing, something = np.zeros((6, 6, 6), dtype=bool), blob(0, (6, 6, 6))
    none = surface_distances(nothing, nothing, (1.0, 1.0, 1.0))
    assert (none.hausdorff(), none.mean, none.surface_dice(1.0)) == (0.0, 0.0, 1.0)
    for pair in ((nothing, something), (something, nothing)):
        one = surface_distances(*pair, (1.0, 1.0, 1.0))
        assert (one.hausdorff(), one.mean, one.surface_dice(1.0)) == (np.inf, np.inf, 0.0)


def test_a_mask_that_reaches_the_border_ends_there() -> None:
    full = np.ones((4, 5, 6), dtype=bool)
    same = surface_distances(full, full, (1.0, 1.0, 1.0))
    assert same.hausdorff(100) == 0.0
    assert same.there.size > 0


def test_masks_of_other_grids_are_refused() -> None:
    with pytest.raises(ShapeError, match="bring both onto one grid"):
        surface_distances(np.zeros((3, 3), dtype=bool), np.zeros((3, 4), dtype=bool), (1.0, 1.0))
    with pytest.raises(ShapeError, match="a spacing for each axis"):
        surface_distances(np.zeros((3, 3), dtype=bool), np.zeros((3, 3), dtype=bool), (1.0, 1.0, 1.0))
