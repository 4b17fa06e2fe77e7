"""The surface of a mask as a net: where its nodes lie, what it encloses, and which way it faces."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.reporting.surface_net import SurfaceNet, surface_net


def grid(*spacing: float, flipped: bool = False) -> FloatArray:
    columns = np.eye(3)[:, ::-1] if not flipped else np.eye(3)[:, ::-1] * [-1, 1, 1]
    return geometry.affine_from_axes(
        origin_mm=np.array([-12.0, 31, 7]), spacing_mm=(spacing[0], spacing[1], spacing[2]), directions=columns
    )


def ball(shape: tuple[int, int, int], spacing: tuple[float, float, float], radius: float) -> BoolArray:
    places = np.stack(np.meshgrid(*(np.arange(side) for side in shape), indexing="ij"), -1)
    away = (places - (np.array(shape) - 1) / 2) * spacing
    inside: BoolArray = (away**2).sum(axis=-1) <= radius**2
    return inside


def areas(net: SurfaceNet) -> FloatArray:
    corners = net.points_mm[net.quads]
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    return np.asarray(np.linalg.norm(across, axis=1) / 2)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0)])
def test_the_net_of_a_ball_is_nearly_a_ball(spacing: tuple[float, float, float]) -> None:
    shape = (round(40 / spacing[0]) | 1, 41, 41)
    mask, affine = ball(shape, spacing, 15.0), grid(*spacing)
    net = surface_net(mask, affine)
    middle = geometry.world_from_index(affine, (np.array(shape)[None] - 1) / 2)[0]
    away = np.linalg.norm(net.points_mm - middle, axis=1)
    assert away.mean() == pytest.approx(15, abs=0.6)
    assert areas(net).sum() == pytest.approx(4 * np.pi * 15**2, rel=0.05)  # the faces of voxels take 50 % more


def test_no_node_leaves_its_voxels() -> None:
    mask = np.random.default_rng(0).random((9, 10, 11)) < 0.3
    index = geometry.index_from_world(grid(2, 1, 1), surface_net(mask, grid(2, 1, 1)).points_mm)
    padded = np.pad(mask, 2)
    low = np.floor(index + 1e-4).astype(int) + 2
    around = np.stack([padded[tuple((low + step).T)] for step in np.ndindex(2, 2, 2)])
    assert around.any(axis=0).all() and not around.all(axis=0).any()


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_small_and_thin_parts_are_drawn_no_thinner_than_by_half_a_voxel_less(side: int) -> None:
    small, thin = np.zeros((2, 9, 20, 9), dtype=bool)
    small[2 : 2 + side, 2 : 2 + side, 2 : 2 + side] = thin[2 : 2 + side, :, 2 : 2 + side] = True
    spacing = np.array([1.0, 2, 3])  # along (x, y, z)
    net = surface_net(small, grid(3, 2, 1))
    assert (np.ptp(net.points_mm, axis=0) / spacing >= side - 0.501).all()
    points = surface_net(thin, grid(3, 2, 1)).points_mm
    middle = points[np.abs(points[:, 1] - points[:, 1].mean()) < 10]
    assert (np.ptp(middle, axis=0)[[0, 2]] / spacing[[0, 2]] >= side - 0.501).all()


def test_a_slope_is_a_plane_without_steps() -> None:
    depth, _, column = np.ogrid[:20, :40, :60]
    places = surface_net(np.broadcast_to(depth < 6 + column / 8, (20, 40, 60)), np.eye(4)).points_mm
    inner = places[(places[:, 0] > 3) & (abs(places[:, 1] - 20) < 12) & (abs(places[:, 2] - 30) < 20)]
    assert np.ptp(inner[:, 0] - inner[:, 2] / 8) < 0.4  # the staircase of voxels has steps of 1


def test_the_net_is_closed_where_the_image_ends() -> None:
    net = surface_net(np.ones((3, 4, 5), dtype=bool), grid(1, 1, 1))
    edges = np.sort(np.stack([net.quads, np.roll(net.quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


@pytest.mark.parametrize("flipped", [False, True])
def test_normals_and_quadrilaterals_face_outwards(flipped: bool) -> None:
    mask, affine = ball((21, 21, 21), (1, 1, 1), 8.0), grid(1, 1, 1, flipped=flipped)
    net = surface_net(mask, affine)
    outwards = net.points_mm - geometry.world_from_index(affine, np.array([[10.0, 10, 10]]))[0]
    assert ((net.normals * outwards).sum(axis=1) > 0.9 * np.linalg.norm(outwards, axis=1)).all()
    corners = net.points_mm[net.quads]
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    assert ((across * outwards[net.quads].mean(axis=1)).sum(axis=1) > 0).all()


def test_nothing_has_no_surface() -> None:
    net = surface_net(np.zeros((3, 4, 5), dtype=bool), grid(1, 1, 1))
    assert net.points_mm.shape == (0, 3) and net.quads.shape == (0, 4)
