"""`SurfaceNet`: the surface of a mask as a net of quadrilaterals, smooth enough to be looked at, and nowhere far off.

There is a node in every cell of 2 × 2 × 2 voxels that are not all inside or all outside, and a quadrilateral across
every face between a voxel inside and one outside. Nodes are drawn towards the middle of their neighbours, and never
leave their cells: the staircase of voxels goes, and no point lies farther than a voxel from the border as drawn.
Inwards they go a quarter of a voxel at most, half as far as outwards, so that thin parts stay: whatever is some voxels
thick is drawn no thinner than by half a voxel less.

Reference:
    Gibson, "Constrained elastic surface nets" (MICCAI 1998), doi:10.1007/BFb0056277.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray, IntArray

_ROUNDS = 12
"""How often nodes are drawn towards their neighbours."""

_SMOOTHED = 8
"""How often normals are made alike to their neighbours'."""

_OUTWARDS, _INWARDS = 0.5, 0.25
"""How far nodes may go from the middle of their cells, in voxels along each axis: to where their cells end, and towards
what is inside."""


@dataclass(frozen=True, eq=False)
class SurfaceNet:
    """A closed surface."""

    points_mm: FloatArray
    """(n, 3) float32, nodes in the patient, LPS."""
    normals: FloatArray
    """(n, 3) float32, unit vectors from inside to outside."""
    quads: IntArray
    """(m, 4), the nodes of each quadrilateral, one after another along its border."""


def surface_net(mask: BoolArray, affine: FloatArray) -> SurfaceNet:
    """The surface of what is inside; beyond the array all is outside.

    Args:
        mask: (depth, height, width).
        affine: (4, 4), array index to LPS mm.
    """
    padded = np.pad(mask, 1)
    cells = np.flatnonzero(_mixed(padded))
    node = np.zeros(padded.size, dtype=np.int32)
    node[cells] = np.arange(len(cells))
    quads = np.concatenate([_quads(padded, node, axis) for axis in range(3)])
    links = _links(len(cells), quads)
    places = np.stack(np.unravel_index(cells, padded.shape), axis=1)
    index = (
        _relaxed(places, _leaning(padded, cells), links) - 0.5
    )  # a cell's middle lies half a voxel after its first voxel, which is padding
    if np.linalg.det(affine[:3, :3]) < 0:  # seen in a mirror, turns the other way
        quads = quads[:, ::-1]
    points = geometry.world_from_index(affine, index).astype(np.float32)
    return SurfaceNet(points, _normals(points, quads, links), quads)


def _mixed(padded: BoolArray) -> BoolArray:
    """Of each voxel whether it and those after it, 2 × 2 × 2 together, are neither all inside nor all outside; beyond
    the array there are none."""
    some, every = padded.copy(), padded.copy()
    for axis in range(3):
        low, high = _sides(axis)
        some[low] |= some[high]
        every[low] &= every[high]
    mixed: BoolArray = some & ~every
    return mixed


def _sides(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """All but the last along an axis, and all but the first."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    return tuple(low), tuple(high)


def _quads(padded: BoolArray, node: IntArray, axis: int) -> IntArray:
    """(m, 4), across the faces along an axis; from outside they go round against the clock, in a right-handed grid."""
    low, high = _sides(axis)
    steps = [int(np.prod(padded.shape[one + 1 :])) for one in ((axis + 1) % 3, (axis + 2) % 3)]
    found = []
    for inside, outside, turned in ((low, high, False), (high, low, True)):
        across = np.zeros(padded.shape, dtype=np.bool_)
        np.greater(padded[inside], padded[outside], out=across[low])
        places = np.flatnonzero(across)
        before = (steps[0] + steps[1], steps[1], 0, steps[0])
        quads = np.stack([node[places - step] for step in before], axis=1)
        found.append(quads[:, ::-1] if turned else quads)
    return np.concatenate(found)


def _links(nodes: int, quads: IntArray) -> Any:
    """(nodes, nodes) sparse float32: how much each of its neighbours counts for a node, 1 together."""
    from scipy import sparse

    ahead = np.roll(quads, -1, axis=1)
    starts, ends = np.concatenate([quads.ravel(), ahead.ravel()]), np.concatenate([ahead.ravel(), quads.ravel()])
    links = sparse.csr_matrix((np.ones(len(ends), dtype=np.float32), (starts, ends)), shape=(nodes, nodes))
    counts = np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1)
    return (sparse.diags_array(1 / counts) @ links).astype(np.float32)


def _leaning(padded: BoolArray, cells: IntArray) -> IntArray:
    """(n, 3), along each axis on which side of a cell more is inside: 1 after its middle, -1 before, 0 on neither."""
    steps = [int(np.prod(padded.shape[axis + 1 :])) for axis in range(3)]
    leaning = np.zeros((len(cells), 3), dtype=np.int8)
    flat = padded.ravel().view(np.int8)
    for corner in np.ndindex(2, 2, 2):
        inside = flat[cells + np.dot(corner, steps)]
        for axis in range(3):
            leaning[:, axis] += inside if corner[axis] else -inside
    return np.sign(leaning)


def _relaxed(cells: IntArray, leaning: IntArray, links: Any) -> FloatArray:
    """(n, 3) float32, where nodes come to rest, within half a cell of their own middle."""
    middle = cells.astype(np.float32)
    least = np.where(leaning < 0, -_INWARDS, -_OUTWARDS).astype(np.float32)
    most = np.where(leaning > 0, _INWARDS, _OUTWARDS).astype(np.float32)
    at = middle
    for _ in range(_ROUNDS):
        at = middle + np.clip(links @ at - middle, least, most)
    return at


def _normals(points: FloatArray, quads: IntArray, links: Any) -> FloatArray:
    """Of nodes, the mean of those of the quadrilaterals that meet there and near by, weighed by their area."""
    corners = points[quads]
    across = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    sums = np.stack(
        [np.bincount(quads.ravel(), np.repeat(across[:, axis], 4), minlength=len(points)) for axis in range(3)], axis=1
    ).astype(np.float32)
    for _ in range(_SMOOTHED):
        sums += links @ sums
    normals: FloatArray = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return normals
