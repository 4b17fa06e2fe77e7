"""From the image a network saw back to the image as stored: boxes, points, and maps such as heat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.findings.region import Box
from hounsfield.image import Image


def move_points(points: FloatArray, *, origin: Image, target: Image) -> FloatArray:
    """Array indices (n, 3), (d, h, w) with fractions, in `target`, of those in `origin`.

    Both images must come from one stored image: their affines tell how one maps onto the other.

    Raises:
        GeometryError: `points` is not of shape (n, 3).
    """
    return geometry.index_from_world(target.affine, geometry.world_from_index(origin.affine, points))


def move_box(box: Box, *, origin: Image, target: Image) -> Box:
    """The box in pixels of `target` that covers the same part of the body as `box` does in `origin`.

    A box counts from the outer edge of pixel 0, an array index from its centre: half a pixel lies between the two.
    """
    return box.placed(origin.affine).on(target.affine)


def move_map(values: FloatArray, *, origin: Image, target: Image) -> FloatArray:
    """A map on the grid of `origin`, (d, h, w), on the grid of `target`, linear between voxels and 0 outside.

    Args:
        values: For instance heat, of the shape of `origin` or of a coarser grid over the same field.
        origin: The image the map belongs to.
        target: The image it is to lie on.
    """
    coarse = (values.shape[0], values.shape[1], values.shape[2])
    affine = geometry.resized(origin.affine, origin.shape, coarse)
    onto = np.linalg.inv(affine) @ target.affine
    if values.shape[0] == 1 and target.planar and np.allclose(onto[1:3, 0], 0):
        return _move_plane(values[0].astype(np.float32), onto, target.shape[1:])[np.newaxis]
    return _linear(values, onto, target.shape, mode="grid-constant")


def move_levels(values: VoxelArray, *, origin: FloatArray, target: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Grey levels (d, h, w) on another grid in float32: linear between voxels, those of the outermost up to their outer
    edges, and the lowest of all beyond.

    Args:
        values: On their own grid.
        origin: (4, 4), affine of their grid.
        target: (4, 4), affine of the other.
        shape: (d, h, w) of the other.
    """
    onto = np.linalg.inv(origin) @ target
    moved = _linear(values, onto, shape, mode="nearest")
    first = geometry.world_from_index(onto, geometry.lattice((1, *shape[1:]), most=max(shape)))
    first, lowest = first.reshape(*shape[1:], 3), float(values.min())
    for depth, plane in enumerate(moved):
        plane[~geometry.inside(first + depth * onto[:3, 0], values.shape)] = lowest
    return moved


def _linear(
    values: VoxelArray, onto: FloatArray, shape: Sequence[int], *, mode: Literal["grid-constant", "nearest"]
) -> FloatArray:
    """Values (d, h, w) at the indices that `onto`, (4, 4), makes of those of a grid of `shape`; beyond them 0, or the
    nearest."""
    from scipy import ndimage

    moved = ndimage.affine_transform(
        values.astype(np.float32), onto[:3, :3], onto[:3, 3], output_shape=tuple(shape), order=1, mode=mode
    )
    return np.asarray(moved)


def _move_plane(plane: FloatArray, onto: FloatArray, shape: tuple[int, int]) -> FloatArray:
    import cv2

    swapped = onto[np.ix_([2, 1, 3], [2, 1, 3])][:2]  # (h, w) rows and columns to OpenCV's (x, y)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(plane, swapped, (shape[1], shape[0]), flags=flags))
