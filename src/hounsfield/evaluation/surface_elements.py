"""How large a mask's surface is between each 2 × 2 × 2 voxels, or how long its outline between 2 × 2 pixels.

Voxels are points at the corners of cells. Where some corners of a cell are inside and some outside, the surface passes
through the middles of the edges between them: around every group of connected corners of the rarer side there is a
polygon. One that does not lie in a plane is cut into triangles from the vertex that gives it most area.

Reference:
    Lorensen, Cline, "Marching cubes" (1987), doi:10.1145/37401.37422; Nikolov et al., "Clinically applicable
    segmentation of head and neck anatomy for radiotherapy" (2021), doi:10.2196/26151 (areas as weights of distances).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray

Corner = tuple[int, ...]
Edge = tuple[Corner, Corner]
"""From a corner of the rarer side to one of the other."""


def element_codes(mask: BoolArray) -> IntArray:
    """Which corners of each cell are inside, one bit each: uint8, one less along every axis than the mask.

    Args:
        mask: (h, w) or (d, h, w). The bit of the corner (i, j, k) is 4 i + 2 j + k.
    """
    codes: IntArray = mask.astype(np.uint8)
    for number, axis in enumerate(reversed(range(mask.ndim))):
        low = [slice(None)] * mask.ndim
        high = [slice(None)] * mask.ndim
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        codes = codes[tuple(low)] | (codes[tuple(high)] << np.uint8(2**number))
    return codes


def element_sizes(spacing: Sequence[float]) -> FloatArray:
    """Area in mm² (length in mm of outlines) of each code's element; 0 where all corners are on one side.

    Args:
        spacing: mm between voxels along each axis.
    """
    dims = len(spacing)
    scale = np.array([np.prod([*spacing[:axis], *spacing[axis + 1 :]]) for axis in range(dims)])
    return np.array([sum(np.linalg.norm(scale * one) for one in parts) for parts in _normals(dims)])


@cache
def _normals(dims: int) -> tuple[tuple[FloatArray, ...], ...]:
    """For every code the normals of its pieces, as long as the pieces are large where voxels are cubes of side 1."""
    corners = list(product((0, 1), repeat=dims))
    found: list[tuple[FloatArray, ...]] = []
    for code in range(2 ** len(corners)):
        inside = {corner for bit, corner in enumerate(corners) if code >> bit & 1}
        rarer = inside if 2 * len(inside) <= len(corners) else set(corners) - inside
        found.append(tuple(normal for group in _groups(rarer) for loop in _loops(group) for normal in _pieces(loop)))
    return tuple(found)


def _groups(corners: Iterable[Corner]) -> list[set[Corner]]:
    """Corners that are connected by edges."""
    left, groups = set(corners), []
    while left:
        group, todo = set(), [min(left)]
        while todo:
            corner = todo.pop()
            if corner in left:
                left.remove(corner)
                group.add(corner)
                todo += [_beside(corner, axis) for axis in range(len(corner))]
        groups.append(group)
    return groups


def _beside(corner: Corner, axis: int) -> Corner:
    return (*corner[:axis], 1 - corner[axis], *corner[axis + 1 :])


def _loops(group: set[Corner]) -> list[list[FloatArray]]:
    """The middles of the edges that lead out of a group, in the order of the polygons through them."""
    dims = len(next(iter(group)))
    edges = [(corner, _beside(corner, axis)) for corner in sorted(group) for axis in range(dims)]
    left = [edge for edge in edges if edge[1] not in group]
    loops = []
    while left:
        loop = [left.pop(0)]
        while following := next((edge for edge in left if _joined(loop[-1], edge, group)), None):
            left.remove(following)
            loop.append(following)
        loops.append([np.mean(edge, axis=0) for edge in loop])
    return loops


def _joined(one: Edge, other: Edge, group: set[Corner]) -> bool:
    """Whether a side of a polygon leads from one edge to the other: they lie in one face, and cut off one corner of it,
    or two that are neighbours."""
    (a, b), (c, d) = one, other
    if sum(len({corner[axis] for corner in (a, b, c, d)}) == 1 for axis in range(len(a))) != len(a) - 2:
        return False
    fourth = tuple(x + y - z for x, y, z in zip(a, c, b, strict=True))
    return a == c or (fourth in group if b == d else sum(x != y for x, y in zip(a, c, strict=True)) == 1)


def _pieces(loop: list[FloatArray]) -> list[FloatArray]:
    """Normals of the triangles, or of the line in two dimensions."""
    if len(loop[0]) == 2:
        along = loop[1] - loop[0]
        return [np.array([along[1], -along[0]])]
    cuts = [_triangles(loop[start:] + loop[:start]) for start in range(len(loop))]
    return max(cuts, key=lambda normals: round(sum(float(np.linalg.norm(one)) for one in normals), 9))


def _triangles(loop: list[FloatArray]) -> list[FloatArray]:
    first, *others = loop
    return [np.cross(a - first, b - first) / 2 for a, b in zip(others, others[1:], strict=False)]
