"""Polygons on a grid of pixels: which centres lie inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray

_TOUCHING = 1e-9
"""Pixels by which an edge that runs through a centre may miss it in floating point."""


def inside_polygons(polygons: Sequence[FloatArray], shape: tuple[int, int]) -> BoolArray:
    """(height, width), True where a pixel's centre lies inside.

    It does where a ray from it to the left crosses edges an odd number of times (the even-odd rule), so that a polygon
    within another is a hole.
    A centre on an edge is inside where the area lies to its right, or below; so polygons that share an edge share no
    pixel and leave none out. What reaches beyond the grid is cut.

    Args:
        polygons: (n, 2) corners each, as (h, w) with pixel centres at whole numbers; the last is joined to the first.
        shape: (height, width).
    """
    height, width = shape
    if not polygons:
        return np.zeros(shape, dtype=np.bool_)
    h0, w0 = np.concatenate(polygons).T
    h1, w1 = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons]).T
    first = np.clip(np.ceil(np.minimum(h0, h1)), 0, height).astype(np.int64)
    past = np.clip(np.ceil(np.maximum(h0, h1)), 0, height).astype(np.int64)
    crossed = past - first
    edge = np.repeat(np.arange(len(h0)), crossed)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    where = w0[edge] + (row - h0[edge]) * (w1 - w0)[edge] / (h1 - h0)[edge]
    column = np.clip(np.ceil(where - _TOUCHING), 0, width).astype(np.int64)
    turns = np.bincount(row * (width + 1) + column, minlength=height * (width + 1)).reshape(height, width + 1)
    inside: BoolArray = np.logical_xor.accumulate(turns % 2 == 1, axis=1)[:, :width]
    return inside
