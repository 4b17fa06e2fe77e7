"""`Plane`: a flat cut through a volume, at any angle, with square pixels; for pictures that show two points at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray, VoxelArray

_CHUNK_MARGIN = 2
"""Voxels around the cut that are interpolated from."""


@dataclass(frozen=True, eq=False)
class Plane:
    """A rectangle in the patient."""

    centre_mm: FloatArray
    """(3,), LPS."""
    right: FloatArray
    """(3,), unit vector in LPS, towards which the picture's columns grow."""
    down: FloatArray
    """(3,), unit vector in LPS, towards which its rows grow."""
    height: int
    """Rows."""
    width: int
    """Columns."""
    pixel_mm: float

    def positions_mm(self) -> FloatArray:
        """LPS positions of the pixels' centres, (height, width, 3)."""
        rows = (np.arange(self.height) - (self.height - 1) / 2) * self.pixel_mm
        columns = (np.arange(self.width) - (self.width - 1) / 2) * self.pixel_mm
        found: FloatArray = self.centre_mm + rows[:, None, None] * self.down + columns[None, :, None] * self.right
        return found

    def pixel_of(self, point_mm: FloatArray) -> tuple[float, float]:
        """(column, row) at which a point (3,) in LPS mm, or its foot on the plane, is shown; fractions are kept."""
        step = (np.asarray(point_mm) - self.centre_mm) / self.pixel_mm
        return float(step @ self.right + (self.width - 1) / 2), float(step @ self.down + (self.height - 1) / 2)


def slice_plane(affine: FloatArray, centre_mm: FloatArray, *, size_mm: tuple[float, float], pixel_mm: float) -> Plane:
    """The plane of the image's own slices through a point.

    Args:
        affine: (4, 4), of the image.
        centre_mm: (3,), LPS.
        size_mm: (height, width).
        pixel_mm: Side of a pixel.
    """
    down, right = (affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in (1, 2))
    height, width = (max(1, round(side / pixel_mm)) for side in size_mm)
    return Plane(np.asarray(centre_mm), right, down, height, width, pixel_mm)


def plane_through(
    affine: FloatArray, one_mm: FloatArray, other_mm: FloatArray, *, size_mm: tuple[float, float], pixel_mm: float
) -> Plane:
    """The plane through two points that stands upright on the image's slices; the depth axis shows upwards or downwards
    so that the patient's head is up where it can be.

    Args:
        affine: (4, 4), of the image.
        one_mm: (3,), LPS.
        other_mm: (3,), LPS.
        size_mm: (height, width).
        pixel_mm: Side of a pixel.
    """
    normal = affine[:3, 0] / np.linalg.norm(affine[:3, 0])
    across: FloatArray = other_mm - one_mm
    across = across - (across @ normal) * normal
    if np.linalg.norm(across) < 1e-6 * np.linalg.norm(
        affine[:3, 2]
    ):  # straight above each other: any direction will do
        across = affine[:3, 2]
    right = across / np.linalg.norm(across)
    leading = int(np.abs(right).argmax())
    right = right if right[leading] > 0 else -right  # the patient's left is on the right, as in a slice
    down = -normal if normal[2] > 0 else normal
    height, width = (max(1, round(side / pixel_mm)) for side in size_mm)
    return Plane((one_mm + other_mm) / 2, right, down, height, width, pixel_mm)


def centred(plane: Plane, points_mm: FloatArray) -> Plane:
    """The plane moved within itself so that the middle of points (n, 3), LPS mm, is its centre."""
    middle = (points_mm.min(axis=0) + points_mm.max(axis=0)) / 2 - plane.centre_mm
    step = (middle @ plane.right) * plane.right + (middle @ plane.down) * plane.down
    return replace(plane, centre_mm=plane.centre_mm + step)


def sampled(voxels: VoxelArray, affine: FloatArray, plane: Plane, *, outside: float = 0.0) -> FloatArray:
    """The values on a plane, (height, width) float32, linear between voxels.

    Args:
        voxels: (depth, height, width).
        affine: (4, 4), of the voxels.
        plane: Where.
        outside: What pixels beyond the image become.
    """
    from scipy import ndimage

    index = geometry.index_from_world(affine, plane.positions_mm().reshape(-1, 3))
    last = np.array(voxels.shape) - 1
    inside = ((index >= -0.5) & (index <= last + 0.5)).all(axis=1)
    values = np.full(len(index), outside, dtype=np.float32)
    if inside.any():
        wanted = np.clip(index[inside], 0, last)
        start = np.maximum(np.floor(wanted.min(axis=0)).astype(int) - _CHUNK_MARGIN, 0)
        stop = np.ceil(wanted.max(axis=0)).astype(int) + _CHUNK_MARGIN + 1
        part = voxels[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]].astype(np.float32)
        values[inside] = ndimage.map_coordinates(part, (wanted - start).T, order=1, mode="nearest")
    return values.reshape(plane.height, plane.width)


def sampled_mask(mask: BoolArray, affine: FloatArray, plane: Plane) -> BoolArray:
    """Whether each pixel of a plane, (height, width), lies inside a mask; its surface is half-way between voxels."""
    return sampled(mask, affine, plane) >= 0.5


def side_letters(plane: Plane) -> tuple[str, str, str, str]:
    """The patient's directions at the left, right, upper and lower side, for instance ("R", "L", "A", "P")."""
    return _letter(-plane.right), _letter(plane.right), _letter(-plane.down), _letter(plane.down)


def _letter(direction: FloatArray) -> str:
    axis = int(np.abs(direction).argmax())
    return "RLAPIS"[2 * axis + int(direction[axis] > 0)]
