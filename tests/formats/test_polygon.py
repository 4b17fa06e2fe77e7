"""Polygons on pixels, held against one test a pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from hounsfield.formats.polygon import inside_polygons

SQUARE = np.array([(1.0, 1.0), (1.0, 4.0), (4.0, 4.0), (4.0, 1.0)])


def one_by_one(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The even-odd rule for each centre by itself, by matplotlib."""
    centres = np.stack(np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij"), axis=-1).reshape(-1, 2)
    inside = np.zeros(len(centres), dtype=bool)
    for polygon in polygons:
        inside ^= Outline(np.vstack([polygon, polygon[:1]]), closed=True).contains_points(centres)
    return inside.reshape(shape)


def test_centres_on_the_upper_and_left_edge_are_inside_and_those_on_the_others_not() -> None:
    wanted = np.zeros((6, 6), dtype=bool)
    wanted[1:4, 1:4] = True
    np.testing.assert_array_equal(inside_polygons([SQUARE], (6, 6)), wanted)
    np.testing.assert_array_equal(inside_polygons([SQUARE[::-1]], (6, 6)), wanted)  # whichever way round


def test_a_corner_between_centres_counts() -> None:
    triangle = np.array([(0.6, 0.6), (0.6, 3.4), (3.4, 0.6)])
    assert inside_polygons([triangle], (5, 5)).astype(int).tolist() == [
        [0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0],  # the slope crosses row 1 at 3.0, which is no longer inside
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_a_polygon_within_another_is_a_hole_and_one_within_the_hole_an_island() -> None:
    rings = [np.array([(a, a), (a, b), (b, b), (b, a)], dtype=float) - 0.5 for a, b in ((0, 9), (2, 7), (4, 5))]
    inside = inside_polygons(rings, (9, 9))
    assert inside.sum() == 81 - 25 + 1 and inside[4, 4] and not inside[3, 3]


def test_a_keyhole_leaves_the_same_hole() -> None:
    outer, inner = [(0, 0), (0, 9), (9, 9), (9, 0)], [(2, 2), (7, 2), (7, 7), (2, 7)]
    keyhole = np.array([outer[0], *outer[1:], outer[0], *inner, inner[0]], dtype=float) - 0.5
    assert inside_polygons([keyhole], (9, 9)).sum() == 81 - 25


def test_neighbours_share_no_pixel_and_leave_none_out() -> None:
    rng = np.random.default_rng(0)
    middle, corners = rng.uniform(2, 14, 2), [(-1.0, -1.0), (-1.0, 17.0), (17.0, 17.0), (17.0, -1.0)]
    parts = [
        inside_polygons([np.array([middle, corner, after])], (17, 17))
        for corner, after in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    np.testing.assert_array_equal(np.sum(parts, axis=0), np.ones((17, 17)))


def test_what_reaches_beyond_the_grid_is_cut() -> None:
    assert inside_polygons([SQUARE * 10 - 20], (6, 6)).all()
    assert not inside_polygons([SQUARE + 100, SQUARE - 100], (6, 6)).any()
    assert inside_polygons([SQUARE - (2, 0)], (6, 6)).sum() == 2 * 3
    assert not inside_polygons([], (6, 6)).any()


@pytest.mark.filterwarnings("error")
@given(
    st.lists(
        st.lists(st.tuples(*[st.floats(-3, 15, width=32)] * 2), min_size=3, max_size=12).map(np.array),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 2**16),
)
def test_any_polygons_are_filled_as_one_centre_after_another_would_be(polygons: list[np.ndarray], seed: int) -> None:
    moved = np.random.default_rng(seed).uniform(0.01, 0.02, 2)  # so that no centre lies on an edge
    polygons = [polygon + moved for polygon in polygons]
    got, wanted = inside_polygons(polygons, (12, 13)), one_by_one(polygons, (12, 13))
    odd = np.argwhere(got != wanted)
    for place in odd:  # only where an edge passes as good as through the centre
        ends = [(polygon, np.roll(polygon, -1, axis=0)) for polygon in polygons]
        assert min(_apart(place, a, b) for first, last in ends for a, b in zip(first, last, strict=True)) < 1e-4


def _apart(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """From a point to a line between two."""
    way = end - start
    share = np.clip(((point - start) @ way) / max(float(way @ way), 1e-12), 0, 1)
    return float(np.linalg.norm(start + share * way - point))
