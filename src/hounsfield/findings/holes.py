"""Holes in a mask: what it goes around on all sides, as lungs and gas are in a body that was found by a threshold."""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import BoolArray
from hounsfield.findings.box import bounding_box


def filled(mask: BoolArray) -> tuple[BoolArray, int]:
    """A mask without its holes, and how many voxels these were.

    A hole is a part outside of the mask, whose voxels hang together by their faces, from which no way leads to a side
    of the slices. That it reaches the first or the last slice does not open it: a scan that begins in the lungs cuts
    them.

    Args:
        mask: (depth, height, width).
    """
    from scipy import ndimage

    enclosed = _enclosed(mask)
    box = bounding_box(enclosed)
    if box is None:
        return mask, 0
    part = enclosed[box]
    parts, _ = ndimage.label(part)
    beside = np.zeros(part.shape, dtype=np.bool_)
    first, last = box[0].start, box[0].stop
    for step in (-1, 1):  # open where the slice above or below is outside of the mask and not enclosed
        low, high = max(0, first + step), min(len(mask), last + step)
        rows = slice(low - step - first, high - step - first)
        there = (slice(low, high), *box[1:])
        beside[rows] |= ~mask[there] & ~enclosed[there]
    opened = np.unique(parts[beside & part])
    holes = part & ~np.isin(parts, opened)
    count = int(np.count_nonzero(holes))
    if not count:
        return mask, 0
    found = mask.copy()
    found[box] |= holes
    return found, count


def _enclosed(mask: BoolArray) -> BoolArray:
    """What is outside of the mask and in its slice surrounded by it."""
    import cv2

    enclosed = np.zeros(mask.shape, dtype=np.bool_)
    for own, flat in zip(enclosed, mask, strict=True):
        pixels = np.ascontiguousarray(flat).view(np.uint8)
        lines, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        whole = cv2.drawContours(np.zeros(flat.shape, dtype=np.uint8), lines, -1, 1, cv2.FILLED)
        own[:] = (whole > 0) & ~flat
    return enclosed
