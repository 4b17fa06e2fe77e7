"""Surfaces seen from outside."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.reporting.colours import DARK
from hounsfield.reporting.plane import Plane
from hounsfield.reporting.solid_view import Solid, seen
from hounsfield.reporting.standing import FRONT, LEFT, standing
from hounsfield.reporting.surface_net import surface_net

AFFINE = geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 1, 1), directions=np.eye(3)[:, ::-1])
RED, BLUE = (250, 30, 30), (30, 30, 250)


def ball(z: float, y: float, x: float, radius: float, colour: tuple[int, int, int], density: float = 1.0) -> Solid:
    away = np.stack(np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij"), -1) - (z, y, x)
    return Solid(surface_net((away**2).sum(axis=-1) <= radius**2, AFFINE), colour, density)


def from_front() -> Plane:
    corners = np.array([[0.0, 0, 0], [39, 39, 39]])
    return standing(FRONT, corners, side=120, side_mm=39)


def test_a_ball_is_seen_as_a_disc_where_it_lies() -> None:
    plane = from_front()
    view = seen([ball(30, 20, 10, 8, RED)], plane)
    rows, columns = np.nonzero(view.covered)
    column, row = plane.pixel_of(np.array([10.0, 20, 30]))  # to the right of the patient, towards the head
    assert (rows.mean(), columns.mean()) == pytest.approx((row, column), abs=0.5)
    assert column < 60 > row
    assert view.covered.sum() * plane.pixel_mm**2 == pytest.approx(np.pi * 8**2, rel=0.1)
    assert view.pixels[0, 0].tolist() == list(DARK)


def test_what_is_nearer_hides_what_is_behind_it() -> None:
    both = [ball(20, 30, 20, 8, RED), ball(20, 10, 20, 5, BLUE)]  # the blue one at the front
    for order in (both, both[::-1]):
        red, _, blue = seen(order, from_front()).pixels[60, 60].tolist()
        assert blue > 2 * red
    red, _, blue = seen(both, standing(-FRONT, np.array([[0.0, 0, 0], [39, 39, 39]]), side=120, side_mm=39)).pixels[
        60, 60
    ]
    assert red > 2 * blue


def test_glass_is_looked_through_and_covers_nothing() -> None:
    glass = ball(20, 10, 20, 9, BLUE, density=0.1)
    view = seen([ball(20, 30, 20, 5, RED), glass], from_front())
    red, _, blue = view.pixels[60, 60].tolist()
    assert red > blue > 30
    assert view.covered.sum() == seen([ball(20, 30, 20, 5, RED)], from_front()).covered.sum()
    assert not seen([glass], from_front()).covered.any()


def test_glass_behind_a_solid_is_not_seen() -> None:
    alone = seen([ball(20, 10, 20, 9, RED)], from_front()).pixels
    behind = seen([ball(20, 10, 20, 9, RED), ball(20, 30, 20, 5, BLUE, density=0.3)], from_front()).pixels
    assert np.array_equal(alone[60, 60], behind[60, 60])


def test_of_glass_the_farthest_is_looked_at_through_the_nearest() -> None:
    front, back = ball(20, 10, 20, 9, RED, density=0.5), ball(20, 30, 20, 9, BLUE, density=0.5)
    for order in ([front, back], [back, front]):
        red, _, blue = seen(order, from_front()).pixels[60, 60].tolist()
        assert red > blue > 40


def test_light_comes_from_the_upper_left() -> None:
    pixels = seen([ball(20, 20, 20, 15, (200, 200, 200))], from_front()).pixels.astype(int)
    assert pixels[40, 40].sum() > 1.5 * pixels[80, 80].sum()


@pytest.mark.parametrize("towards", [FRONT, LEFT, np.array([0.5, -0.7, 0.4])])
def test_a_surface_has_no_holes_however_it_is_enlarged(towards: np.ndarray) -> None:
    net = surface_net(np.ones((4, 4, 4), dtype=bool), AFFINE)
    plane = standing(towards, net.points_mm, side=400, side_mm=3)
    covered = seen([Solid(net, RED)], plane).covered
    rows = [row for row in covered if row.any()]
    assert len(rows) > 150
    assert all(row[row.argmax() : len(row) - row[::-1].argmax()].all() for row in rows)


@pytest.mark.parametrize("side", [100, 150, 190, 260, 330])
def test_what_lies_behind_does_not_shine_through(side: int) -> None:
    front, back = ball(20, 10, 20, 9, RED), ball(20, 28, 20, 11, BLUE)
    for towards in (FRONT, np.array([0.1, -1.0, 0.05]), np.array([0.3, -1.0, 0.2])):
        plane = standing(towards, np.array([[9.0, 10, 9], [31, 10, 31]]), side=side, side_mm=22)
        column, row = (round(place) for place in plane.pixel_of(np.array([20.0, 10, 20])))
        half = round(5 / plane.pixel_mm)
        for solids in ([front, back], [back] * 6 + [front]):
            pixels = seen(solids, plane).pixels[row - half : row + half, column - half : column + half].astype(int)
            assert (pixels[..., 2] <= pixels[..., 1] + 1).all()  # as in red alone


def test_what_lies_beside_the_picture_is_left_out() -> None:
    far = np.array([[500.0, 20, 20], [520, 20, 40]])
    assert not seen([ball(20, 20, 20, 8, RED)], standing(FRONT, far, side=60, side_mm=20)).covered.any()


def test_nothing_is_a_dark_picture() -> None:
    view = seen([], from_front())
    assert (view.pixels == DARK).all() and not view.covered.any()
