"""Holes in a mask: what it goes around on all sides, as lungs and gas are in a body that was found by a threshold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hounsfield.arrays import BoolArray, IntArray

INSIDE, OUTSIDE = 0, 1
"""Numbers of what is inside a mask, and of what is outside of it and not enclosed."""


def filled(mask: BoolArray) -> tuple[BoolArray, int]:
    """A mask without its holes, and how many voxels these were.

    A hole is a part outside of the mask, whose voxels hang together by their faces, from which no way leads to a side
    of the slices. That it reaches the first or the last slice does not open it: a scan that begins in the lungs cuts
    them.

    Slices are looked at one after another, so that beside the result the memory of a few of them is enough.

    Args:
        mask: (depth, height, width).
    """
    closed = _closed(mask)
    if not closed.any():
        return mask, 0
    found, count = mask.copy(), 0
    for own, numbers in zip(found, _numbered(mask), strict=True):
        holes = closed[numbers]
        own |= holes
        count += int(np.count_nonzero(holes))
    return found, count


def enclosed_parts(flat: BoolArray) -> IntArray:
    """(height, width) int32, of a mask's slice: `INSIDE`, `OUTSIDE`, or from 2 on the number of an enclosed part."""
    import cv2

    around = np.pad(~flat, 1, constant_values=True)  # beyond the sides all is outside
    count, parts = cv2.connectedComponents(around.view(np.uint8), connectivity=4)
    numbers = np.arange(count, dtype=np.int32)
    first = int(parts[0, 0])
    numbers[[first, OUTSIDE]] = OUTSIDE, first
    found: IntArray = numbers[parts[1:-1, 1:-1]]
    return found


def _numbered(mask: BoolArray) -> Iterator[IntArray]:
    """`enclosed_parts` of each slice, with numbers that no other slice has."""
    before = 0
    for flat in mask:
        parts = enclosed_parts(flat)
        most = int(parts.max(initial=OUTSIDE))
        parts[parts > OUTSIDE] += before
        before += most - OUTSIDE
        yield parts


def _closed(mask: BoolArray) -> BoolArray:
    """(n,), of each number that parts of slices have, whether it is of a hole: no way leads from it to what is
    outside."""
    from scipy import sparse
    from scipy.sparse import csgraph

    links, most = [np.zeros((2, 0), dtype=np.int64)], OUTSIDE
    above: IntArray | None = None
    for own in _numbered(mask):
        if above is not None:
            both = (own != INSIDE) & (above != INSIDE) & (own != above)
            pairs = np.unique(above[both].astype(np.int64) << 32 | own[both])
            links.append(np.stack([pairs >> 32, pairs & 0xFFFFFFFF]))
        above = own
        most = max(most, int(own.max(initial=OUTSIDE)))
    starts, ends = np.concatenate(links, axis=1)
    graph = sparse.coo_array((np.ones(len(starts), dtype=np.bool_), (starts, ends)), shape=(most + 1, most + 1))
    component = csgraph.connected_components(graph, directed=False)[1]
    closed: BoolArray = component != component[OUTSIDE]
    closed[INSIDE] = False
    return closed
