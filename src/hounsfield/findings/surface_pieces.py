"""The pieces of a mask's surface between each 2 × 2 × 2 voxels, or of its outline between 2 × 2 pixels.

Voxel centres are the corners of cells. Around each group of connected corners of a cell's rarer side lies a polygon (a
line in a plane) through the middles of the edges that lead out of the group. One that does not lie in a plane is cut
into triangles from the corner that gives it most area where voxels are cubes.

Reference:
    Lorensen, Cline, "Marching cubes" (1987), doi:10.1145/37401.37422; Nikolov et al., "Clinically applicable
    segmentation of head and neck anatomy for radiotherapy" (2021), doi:10.2196/26151 (areas as weights of distances).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray

Corner = tuple[int, ...]


def cell_codes(mask: BoolArray) -> IntArray:
    """Which corners of each cell are inside, one bit each: uint8, one less along every axis than the mask.

    Args:
        mask: (h, w) or (d, h, w). The bit of the corner (i, j, k) is 4 i + 2 j + k.
    """
    codes: IntArray = mask.view(np.uint8) if mask.flags.c_contiguous else mask.astype(np.uint8)
    for number, axis in enumerate(reversed(range(mask.ndim))):
        low, high = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        codes = codes[tuple(low)] | (codes[tuple(high)] << np.uint8(2**number))
    return codes


@lru_cache(maxsize=16)
def pieces(spacing: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Of each code its pieces' centres, (codes, 4, dims), in voxels from the first corner, and sizes, (codes, 4).

    Args:
        spacing: mm between voxels along each axis, three or two; sizes are in mm² or mm, 0 where there is no piece.
    """
    dims = len(spacing)
    corners = list(product((0, 1), repeat=dims))
    centres, sizes = np.zeros((2 ** len(corners), 4, dims)), np.zeros((2 ** len(corners), 4))
    for code in range(len(sizes)):
        inside = {corner for bit, corner in enumerate(corners) if code >> bit & 1}
        rarer = inside if 2 * len(inside) <= len(corners) else set(corners) - inside
        for number, group in enumerate(_groups(rarer)):
            centres[code, number], sizes[code, number] = _piece(group, np.asarray(spacing))
    return centres, sizes


def _groups(corners: set[Corner]) -> list[set[Corner]]:
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


def _piece(group: set[Corner], spacing: FloatArray) -> tuple[FloatArray, float]:
    """Centre and size of the piece through the middles of the edges that lead out of a group of corners."""
    beside = [(corner, _beside(corner, axis)) for corner in sorted(group) for axis in range(len(spacing))]
    out = np.array([pair for pair in beside if pair[1] not in group], dtype=np.float64)  # (edges, 2, dims)
    middles = out.mean(axis=1)
    centre: FloatArray = middles.mean(axis=0)
    if len(spacing) == 2:
        return centre, float(np.linalg.norm((middles[0] - middles[1]) * spacing))
    outwards = (out[:, 1] - out[:, 0]).sum(axis=0)
    loop = middles[_order_around(middles - centre, outwards)]
    start = max(range(len(loop)), key=lambda first: round(_fan(np.roll(loop, -first, axis=0)), 9))
    return centre, _fan(np.roll(loop, -start, axis=0) * spacing)


def _order_around(points: FloatArray, normal: FloatArray) -> IntArray:
    """In which order the points (n, 3) around 0 follow each other, seen along the normal."""
    right = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
    up = np.cross(normal, right) / np.linalg.norm(normal)
    return np.argsort(np.arctan2(points @ up, points @ right))


def _fan(loop: FloatArray) -> float:
    """Area of the triangles from the first corner of a polygon (n, 3) to its other sides."""
    spokes = loop[1:] - loop[0]
    return float(np.linalg.norm(np.cross(spokes[:-1], spokes[1:]), axis=1).sum() / 2)
