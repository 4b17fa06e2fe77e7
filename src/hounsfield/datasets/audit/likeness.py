"""How alike two small pictures are in their details, place by place."""

from __future__ import annotations

import cv2
import numpy as np

from hounsfield.arrays import FloatArray

_AROUND = 7
"""Side, in pixels, of the neighbourhood in which two pictures are compared at each place."""

_FLAT = 0.02
"""Spread of a neighbourhood below which there is nothing to compare."""

_FEWEST = 50
"""Places with something to compare, below which nothing is said."""


def likeness(first: FloatArray, second: FloatArray) -> float | None:
    """Mean correlation of the neighbourhoods of every place where either picture is not flat; in [-1, 1].

    Every place counts as much as any other: the outline of a breast, the brightest thing in every film, does not make
    two films alike. None where there is too little to compare.

    Args:
        first: (height, width) float32 in [0, 1].
        second: Of the same size.
    """

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.blur(values, (_AROUND, _AROUND)))

    middle, other_middle = mean(first), mean(second)
    spread = np.maximum(mean(first * first) - middle**2, 0)
    other_spread = np.maximum(mean(second * second) - other_middle**2, 0)
    together = mean(first * second) - middle * other_middle
    busy = np.maximum(spread, other_spread) > _FLAT**2
    if busy.sum() < _FEWEST:
        return None
    product = spread[busy] * other_spread[busy]
    correlation = np.where(product > 1e-12, together[busy] / np.sqrt(np.maximum(product, 1e-12)), 0.0)
    return float(correlation.mean())
