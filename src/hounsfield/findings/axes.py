"""The diameters of a lesion: long axis and short axis in a slice, and the longest in space.

They end on the middles of the sides that voxels inside share with voxels outside: from centre to centre a lesion would
be a voxel too short, from corner to corner too long in oblique directions. Each end is so known to half a voxel. The
axes of a slice are those of the convex hull of its outline, so that a bay in it shortens neither.

Reference:
    Eisenhauer et al., "New response evaluation criteria in solid tumours: revised RECIST guideline (version 1.1)"
    (2009), doi:10.1016/j.ejca.2008.10.026; Miller et al., "Reporting results of cancer treatment" (1981),
    doi:10.1002/1097-0142(19810101)47:1<207::AID-CNCR2820470134>3.0.CO;2-6 (WHO: the product of the two).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import box_of_lesion, require_mask

_PARALLEL = 1e-12


@dataclass(frozen=True)
class Diameter:
    """A length and between which two points it was measured."""

    length_mm: float
    from_mm: tuple[float, ...]
    """(3,), LPS."""
    to_mm: tuple[float, ...]
    """(3,), LPS."""


@dataclass(frozen=True)
class Axes:
    """The diameters of a lesion."""

    slice_index: int
    """Depth index of the slice with the long axis."""
    long: Diameter
    """The longest diameter in any slice."""
    short: Diameter
    """The longest one at right angles to it in that slice."""
    longest: Diameter
    """The longest in any direction of space; the long axis where the image is planar."""


def measure_axes(mask: BoolArray, affine: FloatArray) -> Axes:
    """The axes of a lesion, in the slices of its image as they are.

    Args:
        mask: (depth, height, width).
        affine: (4, 4), array index to LPS mm.

    Raises:
        ShapeError: Not a mask.
        ImageError: Nothing is inside.
    """
    require_mask(mask)
    box = box_of_lesion(mask)
    moved = geometry.cropped(affine, (box[0].start, box[1].start, box[2].start))
    part = mask[box]
    slices = [_hull_of_slice(plane, depth) for depth, plane in enumerate(part)]
    ends = {depth: _furthest(geometry.world_from_index(moved, hull)) for depth, hull in enumerate(slices) if len(hull)}
    chosen = max(ends, key=lambda depth: float(np.linalg.norm(ends[depth][1] - ends[depth][0])))
    pair = ends[chosen]
    short = _across(geometry.world_from_index(moved, slices[chosen]), pair[1] - pair[0])
    longest = pair if len(part) == 1 and mask.shape[0] == 1 else _longest(part, moved)
    return Axes(chosen + box[0].start, _diameter(pair), _diameter(short), _diameter(longest))


def _middles(mask: BoolArray, axis: int) -> FloatArray:
    """Array indices (n, dims) of the middles of the sides, along one axis, between inside and outside."""
    padded = np.pad(mask, [(1, 1) if one == axis else (0, 0) for one in range(mask.ndim)])
    places = np.argwhere(np.diff(padded.view(np.uint8), axis=axis)).astype(np.float64)
    places[:, axis] -= 0.5
    return places


def _hull_of_slice(plane: BoolArray, depth: int) -> FloatArray:
    """Corners (n, 3) of the convex hull of a slice's outline, in their order around it; none where it is empty."""
    if not plane.any():
        return np.zeros((0, 3))
    return np.insert(_hull(np.concatenate([_middles(plane, axis) for axis in (0, 1)])), 0, depth, axis=1)


def _hull(points: FloatArray) -> FloatArray:
    from scipy.spatial import ConvexHull

    corners: FloatArray = points[ConvexHull(points).vertices]
    return corners


def _longest(part: BoolArray, affine: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _furthest(
        geometry.world_from_index(affine, _hull(np.concatenate([_middles(part, axis) for axis in range(3)])))
    )


def _furthest(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The two of the corners (n, 3) of a hull that are furthest apart; the first such pair where there are several."""
    best, found = -1.0, (points[0], points[0])
    for number, point in enumerate(points):
        squares = ((points[number:] - point) ** 2).sum(axis=1)
        other = int(squares.argmax())
        if squares[other] > best:
            best, found = float(squares[other]), (point, points[number + other])
    return found


def _across(hull: FloatArray, long: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the longest line inside a convex polygon (n, 3) at right angles to its long axis (3,).

    How wide a convex polygon is changes linearly between its corners, so that it is widest at one of them.
    """
    along = hull @ (long / np.linalg.norm(long))
    best, found = -1.0, (hull[0], hull[0])
    for place in along:
        crossings = _crossings(hull, along, float(place))
        one, other = _furthest(crossings)
        length = float(np.linalg.norm(other - one))
        if length > best:
            best, found = length, (one, other)
    return found


def _crossings(hull: FloatArray, along: FloatArray, place: float) -> FloatArray:
    """Where a line at right angles to the long axis meets the sides of a polygon."""
    start, stop = along, np.roll(along, -1)
    span = stop - start
    flat = np.abs(span) < _PARALLEL
    share = (place - start) / np.where(flat, 1.0, span)
    meets = ~flat & (share >= -_PARALLEL) & (share <= 1 + _PARALLEL)
    on_sides = hull[meets] + share[meets, None] * (np.roll(hull, -1, axis=0)[meets] - hull[meets])
    return np.concatenate([on_sides, hull[np.abs(along - place) < _PARALLEL]])


def _diameter(ends: tuple[FloatArray, FloatArray]) -> Diameter:
    one, other = ends
    return Diameter(float(np.linalg.norm(other - one)), tuple(float(x) for x in one), tuple(float(x) for x in other))
