"""Affines: there and back, and cutting, turning and resampling against plain index arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from hounsfield import geometry
from hounsfield.arrays import FloatArray
from hounsfield.errors import GeometryError

numbers = st.floats(-500, 500, allow_nan=False).map(lambda value: round(value, 3))
spacings = st.tuples(*[st.floats(0.05, 10)] * 3)
points = arrays(np.float64, (5, 3), elements=numbers)
axes = st.integers(0, 2)
starts = st.tuples(*[st.integers(-20, 20)] * 3)
shapes = st.tuples(*[st.integers(1, 40)] * 3)


@st.composite
def affines(draw: st.DrawFn) -> FloatArray:
    """A grid turned any way, with any spacing and origin."""
    turned, _ = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 10_000))).normal(size=(3, 3)))
    origin = np.array(draw(st.tuples(numbers, numbers, numbers)))
    return geometry.affine_from_axes(origin_mm=origin, spacing_mm=draw(spacings), directions=turned)


@given(affines(), points)
def test_index_to_world_and_back_is_the_identity(affine: FloatArray, index: FloatArray) -> None:
    assert_allclose(geometry.index_from_world(affine, geometry.world_from_index(affine, index)), index, atol=1e-6)


@given(affines(), points)
def test_world_to_index_and_back_is_the_identity(affine: FloatArray, world: FloatArray) -> None:
    assert_allclose(geometry.world_from_index(affine, geometry.index_from_world(affine, world)), world, atol=1e-6)


@given(spacings)
def test_the_spacing_put_in_comes_out(spacing: tuple[float, float, float]) -> None:
    affine = geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=spacing, directions=np.eye(3))
    assert geometry.spacing_mm(affine) == pytest.approx(spacing)


def test_an_axial_slice_by_hand() -> None:
    # d runs to the head, h to the back, w to the left: the usual axial CT; 5 mm slices, pixels of 0.7 × 0.8 mm
    directions = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    affine = geometry.affine_from_axes(
        origin_mm=np.array([-100, -80, 10]), spacing_mm=(5, 0.7, 0.8), directions=directions
    )
    assert_allclose(geometry.world_from_index(affine, np.array([[2, 10, 20]])), [[-84, -73, 20]])
    assert geometry.orientation(affine) == "SPL"


def test_a_flat_image_grows_back_and_left_from_the_origin() -> None:
    affine = geometry.planar_affine((0.5, 0.25))
    assert_allclose(geometry.world_from_index(affine, np.array([[0, 2, 4]])), [[1, 1, 0]])
    assert geometry.spacing_mm(affine) == (1, 0.5, 0.25)


@given(affines(), starts, points)
def test_a_voxel_keeps_its_place_when_what_is_before_it_is_cut_off(
    affine: FloatArray, start: tuple[int, int, int], index: FloatArray
) -> None:
    before = geometry.world_from_index(affine, index)
    after = geometry.world_from_index(geometry.cropped(affine, start), index - np.array(start))
    assert_allclose(after, before, atol=1e-6)


@given(affines(), axes, st.integers(1, 40), points)
def test_a_voxel_keeps_its_place_when_its_axis_is_reversed(
    affine: FloatArray, axis: int, length: int, index: FloatArray
) -> None:
    reversed_index = index.copy()
    reversed_index[:, axis] = length - 1 - index[:, axis]
    turned = geometry.flipped(affine, axis=axis, length=length)
    before = geometry.world_from_index(affine, index)
    assert_allclose(geometry.world_from_index(turned, reversed_index), before, atol=1e-6)
    assert_allclose(geometry.flipped(turned, axis=axis, length=length), affine, atol=1e-6)


@given(affines(), shapes, shapes)
def test_the_outer_borders_stay_in_place_when_an_image_is_resampled(
    affine: FloatArray, old: tuple[int, int, int], new: tuple[int, int, int]
) -> None:
    # the borders of voxel 0 and of the last voxel lie half a voxel outside their centres
    borders = [np.array([[-0.5] * 3, np.array(shape) - 0.5]) for shape in (old, new)]
    resized = geometry.resized(affine, old, new)
    expected = geometry.world_from_index(affine, borders[0])
    assert_allclose(geometry.world_from_index(resized, borders[1]), expected, atol=1e-6)
    assert_allclose(geometry.resized(resized, new, old), affine, atol=1e-6)


def test_resampling_to_half_puts_the_first_voxel_between_the_first_two() -> None:
    affine = geometry.resized(np.eye(4), (4, 4, 4), (2, 4, 4))
    assert_allclose(geometry.world_from_index(affine, np.array([[0, 0, 0]])), [[0.5, 0, 0]])
    assert geometry.spacing_mm(affine) == (2, 1, 1)


def test_the_turn_between_lps_and_ras_is_its_own_inverse() -> None:
    assert_allclose(geometry.RAS_FROM_LPS @ geometry.RAS_FROM_LPS, np.eye(4))


@pytest.mark.parametrize("spacing", [(0, 1, 1), (1, -1, 1), (1, 1, np.nan), (1, 1)])
def test_a_spacing_that_is_none_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(GeometryError, match="spacing must be three numbers above 0 mm, not"):
        geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=spacing, directions=np.eye(3))


@pytest.mark.parametrize("origin", [np.zeros(2), np.array([0, np.inf, 0])])
def test_an_origin_that_is_none_is_refused(origin: FloatArray) -> None:
    with pytest.raises(GeometryError, match="the origin must be three numbers in mm"):
        geometry.affine_from_axes(origin_mm=origin, spacing_mm=(1, 1, 1), directions=np.eye(3))


@pytest.mark.parametrize(
    ("directions", "words"),
    [
        (np.eye(2), r"must have shape \(3, 3\), not \(2, 2\)"),
        (np.eye(3) * 2, "not unit vectors at right angles"),
        (np.array([[1, 0.1, 0], [0, 1, 0], [0, 0, 1]]), "not unit vectors at right angles"),
        (np.full((3, 3), np.nan), "not unit vectors at right angles"),
    ],
)
def test_axes_that_are_none_are_refused(directions: FloatArray, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 1, 1), directions=directions)


def test_points_of_another_shape_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"\(n, 3\), not \(3,\)"):
        geometry.world_from_index(np.eye(4), np.zeros(3))
    with pytest.raises(GeometryError, match=r"\(n, 3\), not \(4, 2\)"):
        geometry.index_from_world(np.eye(4), np.zeros((4, 2)))


def test_an_affine_that_flattens_space_has_no_way_back() -> None:
    with pytest.raises(GeometryError, match="cannot be turned round"):
        geometry.index_from_world(np.diag([1.0, 0.0, 1.0, 1.0]), np.zeros((1, 3)))


def test_a_lattice_is_spread_over_a_grid_from_end_to_end() -> None:
    corners = geometry.lattice((2, 1, 5), most=2)
    assert {tuple(one) for one in corners.tolist()} == {(0, 0, 0), (0, 0, 4), (1, 0, 0), (1, 0, 4)}
    assert geometry.lattice((1, 1, 5), most=3)[:, 2].tolist() == [0, 2, 4]
    assert len(geometry.lattice((2, 3, 4), most=9)) == 24


def test_a_grid_goes_to_the_outer_edges_of_its_voxels() -> None:
    index = np.array([[-0.5, 0, 0], [1.5, 2.5, 3.5], [-0.6, 0, 0], [0, 2.6, 0], [0, 0, np.nan]])
    assert geometry.inside(index, (2, 3, 4)).tolist() == [True, True, False, False, False]
