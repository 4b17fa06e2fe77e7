"""Text that is written into a picture: small bright marks of one height, side by side.

Names and dates that a machine wrote into the pixels are brighter than what is around them, drawn with thin strokes, and
stand in lines. It finds lines, it does not read them: no letter is recognised. Strokes of nine pixels and more, as the
lead letters of a film at full size have, and dark letters on white are not found.
"""

from __future__ import annotations

import cv2
import numpy as np

from hounsfield.arrays import FloatArray, IntArray

_TALL = (5, 60)
"""Lowest and greatest height of a letter in pixels."""

_CONTRAST = 0.3
"""How much brighter than its surroundings a letter is, of the range from black to white."""

_SMALLEST = 96
"""Side of a picture in pixels below which nobody could read its letters."""

_MOST = 3000
"""Marks from which on a picture is full of specks, and none of them is a letter."""

_FEWEST = 3
"""Marks that make a line; two are found in tissue too."""


def lines_of_text(plane: FloatArray) -> int:
    """How many lines of text there seem to be in a picture (height, width) with values from 0 to 1."""
    if min(plane.shape) < _SMALLEST:
        return 0
    marks = _marks(plane)
    return len(_lines(marks)) if _FEWEST <= len(marks) <= _MOST else 0


def _marks(plane: FloatArray) -> IntArray:
    """(n, 4) left, top, width and height of bright spots that have the size and the fill of a letter."""
    grey = np.round(255 * np.clip(plane, 0, 1)).astype(np.uint8)
    around = cv2.getStructuringElement(cv2.MORPH_RECT, (9, 9))
    risen = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, around)  # what is thinner than nine pixels and bright
    bright = (risen >= round(255 * _CONTRAST)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    left, top, width, height, area = stats[1:].T
    fill = area / np.maximum(width * height, 1)
    low, high = _TALL
    fits = (height >= low) & (height <= high) & (width <= 1.5 * height) & (fill > 0.15) & (fill < 0.95)
    found: IntArray = np.stack([left, top, width, height], axis=1)[fits].astype(np.int64)
    return found


def _lines(marks: IntArray) -> list[IntArray]:
    """Marks that stand in a row: of one height, on one level, no further apart than they are high."""
    left, top, width, height = marks.T
    middle = top + height / 2
    level = np.abs(middle[:, None] - middle) <= 0.25 * np.minimum(height[:, None], height)
    alike = np.maximum(height[:, None], height) <= 1.4 * np.minimum(height[:, None], height)
    gap = left - (left + width)[:, None]
    beside = (gap >= -1) & (gap <= np.minimum(height[:, None], height))
    joined = level & alike & beside
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    count, number = connected_components(csr_array(joined), directed=False)
    rows = [marks[number == line] for line in range(count)]
    return [row for row in rows if len(row) >= _FEWEST]
