"""Masks on fewer, larger voxels, for pictures: thin parts stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray, IntArray


def coarse(mask: BoolArray, blocks: Sequence[int]) -> BoolArray:
    """A mask of larger voxels, each a block of so many along (d, h, w).

    A block is inside where half of it is. Where a mask is no more than two blocks thick, as a vessel or a small lesion
    may be, any voxel is enough: else nothing might be left of it, or beads.

    Args:
        mask: (depth, height, width).
        blocks: Voxels along each axis; what the last block lacks is outside.
    """
    if tuple(blocks) == (1, 1, 1):
        return mask
    counts = _counts(mask, blocks)
    most: BoolArray = 2 * counts >= np.prod(blocks)
    thick = _grown(~_grown(~np.pad(most, 1)))[1:-1, 1:-1, 1:-1]  # beyond the array all is outside
    return most | ((counts > 0) & ~_grown(thick))


def _counts(mask: BoolArray, blocks: Sequence[int]) -> IntArray:
    """Voxels inside, of each block."""
    spare = [(0, -side % block) for side, block in zip(mask.shape, blocks, strict=True)]
    counts: IntArray = np.asarray(np.pad(mask, spare) if any(more for _, more in spare) else mask).view(np.uint8)
    for axis, block in enumerate(blocks):
        parts = [counts[(slice(None),) * axis + (slice(first, None, block),)] for first in range(block)]
        total: IntArray = parts[0].astype(np.uint32 if axis else np.uint8)
        for part in parts[1:]:
            np.add(total, part, out=total)
        counts = total
    return counts


def _grown(mask: BoolArray) -> BoolArray:
    """With all neighbours, those across edges and corners too."""
    grown = mask.copy()
    for axis in range(3):
        before = grown.copy()
        for low, high in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            here, there = [slice(None)] * 3, [slice(None)] * 3
            here[axis], there[axis] = low, high
            grown[tuple(here)] |= before[tuple(there)]
    return grown
