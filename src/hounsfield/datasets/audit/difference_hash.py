"""The difference hash: of a picture shrunk to 16 rows of 17, whether each pixel is darker than its right neighbour.

It hardly changes when a picture is resized, compressed, or made brighter.

Reference:
    Krawetz, "Kind of like that" (2013), the hash known as dHash.
"""

from __future__ import annotations

import cv2
import numpy as np

from hounsfield.arrays import BoolArray, FloatArray

ROWS = 16
BITS = ROWS * ROWS


def difference_hash(plane: FloatArray) -> BoolArray:
    """(256,) bits of a picture (height, width)."""
    small = cv2.resize(np.ascontiguousarray(plane, np.float32), (ROWS + 1, ROWS), interpolation=cv2.INTER_AREA)
    bits: BoolArray = (small[:, 1:] > small[:, :-1]).ravel()
    return bits
