"""Whether two pictures are the same one turned, mirrored, cut or resized: points of one are found again in the other.

Two chest films of two people agree as a whole and in no detail. A picture and its turned copy have the same distinct
points, and one movement of the plane lays all of them on each other; points of two different pictures that happen to
look alike lie in no common order.

Reference:
    Lowe, "Distinctive image features from scale-invariant keypoints" (2004), doi:10.1023/B:VISI.0000029664.99615.94;
    Fischler, Bolles, "Random sample consensus" (1981), doi:10.1145/358669.358692.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray, FloatArray, IntArray

POINTS = 600
"""Most distinct points kept of a picture."""

SIDE = 256
"""Longer side of the pictures in pixels; larger ones are made smaller first."""

_FAINT = 0.02
"""Contrast below which a point is not distinct; half of what is usual, for tissue is soft."""

_RATIO = 0.85
"""A point's partner is nearer than this share of the distance to the next one (Lowe 2004, section 7.1)."""

_NEAR = 3.0
"""Pixels by which a partner may lie beside where the movement puts the point."""

_SIZES = (0.4, 2.5)
"""How much smaller or larger one picture may be than the other."""


@dataclass(frozen=True, eq=False)
class Points:
    """The distinct points of a picture."""

    width: int
    """Of the picture."""
    place: FloatArray
    """(n, 2), x and y in pixels."""
    description: NDArray[np.uint8]
    """(n, 128), whole numbers: directions of the gradient around each, in 4 × 4 cells of 8."""

    def mirrored(self) -> Points:
        """Those of the picture with left and right exchanged, without looking at it again.

        Seen along a point's own direction, the two sides change places, and turning left becomes turning right.
        """
        cells = self.description.reshape(-1, 4, 4, 8)[:, ::-1, :, np.r_[0, 7:0:-1]]
        place = self.place * np.array([-1, 1], np.float32) + np.array([self.width - 1, 0], np.float32)
        return Points(self.width, place, np.ascontiguousarray(cells).reshape(-1, 128))


def points_of(plane: FloatArray) -> Points:
    """The distinct points of a picture (height, width) with values from 0 to 1."""
    scale = SIDE / max(plane.shape)
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in plane.shape)
        plane = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
    grey = np.round(255 * np.clip(plane, 0, 1)).astype(np.uint8)
    finder = cv2.SIFT_create(nfeatures=POINTS, contrastThreshold=_FAINT)  # type: ignore[attr-defined]
    spots, described = finder.detectAndCompute(grey, None)
    place = np.array([spot.pt for spot in spots], np.float32).reshape(-1, 2)
    whole = np.zeros((0, 128), np.uint8) if described is None else described.astype(np.uint8)
    return Points(grey.shape[1], place, whole)


def points_in_common(first: Points, second: Points) -> int:
    """How many points of one picture one movement of the plane lays on their partners in the other.

    The movement turns, shifts and resizes; the better of the picture and its mirror image counts.
    """
    return max(_in_common(first, second), _in_common(first.mirrored(), second))


def _partners(first: FloatArray, second: FloatArray) -> tuple[IntArray, BoolArray]:
    """(n,) the nearest of `second` to each of `first`, and whether it is much nearer than the next one."""
    products = first @ second.T
    distances = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1) - 2 * products
    rows = np.arange(len(first))
    nearest = distances.argmin(axis=1)
    shortest = distances[rows, nearest]
    distances[rows, nearest] = np.inf
    return nearest, shortest < _RATIO**2 * distances.min(axis=1)


def _in_common(first: Points, second: Points) -> int:
    if min(len(first.place), len(second.place)) < 4:
        return 0
    nearest, distinct = _partners(first.description.astype(np.float32), second.description.astype(np.float32))
    if distinct.sum() < 4:
        return 0
    here, there = first.place[distinct], second.place[nearest[distinct]]
    movement, inside = cv2.estimateAffinePartial2D(here, there, ransacReprojThreshold=_NEAR, maxIters=1000)
    if movement is None or not _SIZES[0] <= float(np.hypot(*movement[0, :2])) <= _SIZES[1]:
        return 0
    return len(np.unique(np.round(there[inside[:, 0] > 0]), axis=0))  # points that many were laid on count once
