"""Where an array lies in the patient: affines from array index to LPS millimetres.

The array index is (depth, height, width), in short (d, h, w). The world is DICOM's patient coordinate system, LPS:
x grows to the patient's left, y to the back, z to the head, in millimetres (PS3.3 C.7.6.2.1.1). NIfTI's RAS is turned
at the border of the package, in `formats`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import GeometryError

RAS_FROM_LPS: FloatArray = np.diag([-1.0, -1.0, 1.0, 1.0])
"""(4, 4), turns LPS coordinates into RAS ones, and back: it is its own inverse."""

_ORTHOGONAL_TOLERANCE = 1e-3
"""Largest cosine between two axes that still counts as a right angle; 0.06 degrees."""

_EDGE = 0.501
"""From the centre of a voxel to its edge, as a share of its length, and a little more: files round their geometry."""


def affine_from_axes(
    *, origin_mm: FloatArray, spacing_mm: tuple[float, float, float], directions: FloatArray
) -> FloatArray:
    """Affine, (4, 4) float64, of a grid given by its origin, spacing and axes.

    Args:
        origin_mm: (3,), LPS position of the centre of voxel (0, 0, 0).
        spacing_mm: Distances between neighbours along (d, h, w), all > 0.
        directions: (3, 3), its columns are the unit vectors, in LPS, along which d, h and w grow.

    Raises:
        GeometryError: The origin is not three numbers, a spacing is not positive, or the axes are not unit vectors at
            right angles.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    axes = np.asarray(directions, dtype=np.float64)
    origin = np.asarray(origin_mm, dtype=np.float64)
    if origin.shape != (3,) or not np.all(np.isfinite(origin)):
        raise GeometryError(f"the origin must be three numbers in mm, not {origin_mm}")
    if spacing.shape != (3,) or not np.all(np.isfinite(spacing)) or np.any(spacing <= 0):
        raise GeometryError(f"spacing must be three numbers above 0 mm, not {tuple(spacing_mm)}")
    if axes.shape != (3, 3):
        raise GeometryError(f"directions must have shape (3, 3), not {axes.shape}")
    if not np.abs(axes.T @ axes - np.eye(3)).max() <= _ORTHOGONAL_TOLERANCE:  # so that not-a-number is refused
        raise GeometryError("the image's axes are not unit vectors at right angles; resample the image first")
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = origin
    return affine


def planar_affine(spacing_mm: tuple[float, float] = (1.0, 1.0)) -> FloatArray:
    """Affine of a flat image without a place in the patient: h along +y, w along +x, origin 0.

    Args:
        spacing_mm: (row distance, column distance).
    """
    affine = np.zeros((4, 4))
    affine[2, 0] = 1.0
    affine[1, 1], affine[0, 2] = spacing_mm
    affine[3, 3] = 1.0
    return affine


def spacing_mm(affine: FloatArray) -> tuple[float, float, float]:
    """Distances in mm between neighbours along (d, h, w)."""
    depth, height, width = np.linalg.norm(affine[:3, :3], axis=0)
    return float(depth), float(height), float(width)


def world_from_index(affine: FloatArray, index: FloatArray) -> FloatArray:
    """LPS positions in mm, (n, 3), of array indices (n, 3) given as (d, h, w); fractions are allowed.

    Raises:
        GeometryError: `index` is not of shape (n, 3).
    """
    return _apply(affine, index)


def index_from_world(affine: FloatArray, world_mm: FloatArray) -> FloatArray:
    """Array indices (d, h, w), (n, 3) with fractions, of LPS positions (n, 3) in mm.

    Raises:
        GeometryError: `world_mm` is not of shape (n, 3), or the affine's axes do not span space.
    """
    try:
        inverse = np.linalg.inv(affine)
    except np.linalg.LinAlgError:
        raise GeometryError("the affine cannot be turned round: two of its axes are one, or a spacing is 0") from None
    return _apply(inverse, world_mm)


def lattice(shape: Sequence[int], *, most: int) -> FloatArray:
    """Array indices (n, 3), (d, h, w), spread evenly over a grid: so many along each axis at most, its ends among them;
    its corners where that is 2."""
    axes = [np.linspace(0, length - 1, min(length, most)) for length in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def inside(index: FloatArray, shape: Sequence[int]) -> BoolArray:
    """Of array indices (…, 3), (d, h, w) with fractions, which lie in a grid: up to the outer edges of its voxels."""
    within: BoolArray = (index >= -_EDGE) & (index <= np.asarray(shape) - 1 + _EDGE)
    return np.asarray(within.all(axis=-1))


def _apply(matrix: FloatArray, points: FloatArray) -> FloatArray:
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise GeometryError(f"points must have shape (n, 3), not {points.shape}")
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def cropped(affine: FloatArray, start: tuple[int, int, int]) -> FloatArray:
    """Affine of the part of an image that begins at index `start`, (d, h, w); negative starts pad."""
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ np.asarray(start, dtype=np.float64)
    return moved


def flipped(affine: FloatArray, *, axis: int, length: int) -> FloatArray:
    """Affine of an image reversed along array axis 0 (d), 1 (h) or 2 (w) that has `length` voxels there."""
    turned = affine.copy()
    turned[:3, 3] += affine[:3, axis] * (length - 1)
    turned[:3, axis] *= -1
    return turned


def resized(affine: FloatArray, old: tuple[int, int, int], new: tuple[int, int, int]) -> FloatArray:
    """Affine after resampling shape `old` to shape `new` so that the outer borders of the grid stay in place."""
    scale = np.asarray(old, dtype=np.float64) / np.asarray(new, dtype=np.float64)
    changed = affine.copy()
    changed[:3, :3] = affine[:3, :3] * scale
    changed[:3, 3] += affine[:3, :3] @ ((scale - 1) / 2)
    return changed


def orientation(affine: FloatArray) -> str:
    """Three letters: the patient direction in which d, h and w grow, for instance "SPL" for a usual axial CT."""
    names = (("R", "L"), ("A", "P"), ("I", "S"))
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    letters = []
    for column in directions.T:
        world_axis = int(np.abs(column).argmax())
        letters.append(names[world_axis][int(column[world_axis] > 0)])
    return "".join(letters)
