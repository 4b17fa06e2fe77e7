"""A finding enlarged, with what surrounds it, at the contrast of its own place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings import Box
from hounsfield.image import Image
from hounsfield.reporting.windowing import eight_bits, fitting_window

_REACH = 2.4
"""Sides that are shown, of the box's longer one."""

_LEAST = 32
"""Pixels of the image that are shown along the shorter side, where it has them."""


def close_up(
    image: Image, box: Box, *, shape: tuple[int, int], depth_index: int = 0
) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """A part of a slice, (height, width, 3), and where the box lies on it: left, top, right and bottom.

    The proportions of the image are kept: where it ends, less is shown than was asked for.

    Args:
        image: As stored.
        box: In its pixels.
        shape: (height, width) in pixels that are filled at most.
        depth_index: Of a volume, the slice.
    """
    import cv2

    image = image.apart[0]
    high, wide = image.spacing_mm[1:] if image.spacing_kind != "none" else (1.0, 1.0)
    whole = image.shape[1] * high, image.shape[2] * wide
    shorter = max(_REACH * max(box.height * high, box.width * wide), _LEAST * min(high, wide))
    shown = shorter * shape[0] / min(shape), shorter * shape[1] / min(shape)
    middle = (box.y0 + box.y1) / 2 * high, (box.x0 + box.x1) / 2 * wide
    (top, bottom), (left, right) = (
        _span(at, length, side, step) for at, length, side, step in zip(middle, shown, whole, (high, wide), strict=True)
    )
    part = image.voxels[:, depth_index : depth_index + 1, top:bottom, left:right]
    window = fitting_window(replace(image, voxels=part))
    grey = eight_bits(np.moveaxis(part[:3] if image.channels >= 3 else part[:1], 0, -1)[0], window)
    factor = min(shape[0] / ((bottom - top) * high), shape[1] / ((right - left) * wide))
    down, across = factor * high, factor * wide
    size = max(1, round((right - left) * across)), max(1, round((bottom - top) * down))
    method = cv2.INTER_AREA if max(down, across) < 1 else cv2.INTER_CUBIC
    pixels = np.asarray(cv2.resize(np.ascontiguousarray(grey), size, interpolation=method), dtype=np.uint8)
    place = (box.x0 - left) * across, (box.y0 - top) * down, (box.x1 - left) * across, (box.y1 - top) * down
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2), place


def _span(middle: float, length: float, whole: float, step: float) -> tuple[int, int]:
    """First pixel and that after the last of a length around a middle, moved onto an image that is long enough."""
    start = min(max(0.0, middle - length / 2), max(0.0, whole - length))
    last = round(whole / step)
    first = min(int(start / step), last - 1)
    return first, min(last, max(first + 1, round((start + length) / step)))
