"""Cutting and turning an image's grid, the affine kept right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hounsfield import geometry
from hounsfield.errors import ShapeError
from hounsfield.image import Image


def crop(image: Image, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Image:
    """The part of an image from index `start` to `stop` (exclusive), (d, h, w); what lies outside is filled with 0.

    Raises:
        ShapeError: Nothing would be left.
    """
    wanted = [end - begin for begin, end in zip(start, stop, strict=True)]
    if min(wanted) < 1:
        raise ShapeError(f"a crop from {start} to {stop} holds no voxel")
    inside = [
        (min(max(begin, 0), length), min(max(end, 0), length))
        for begin, end, length in zip(start, stop, image.shape, strict=True)
    ]
    part = image.voxels[(slice(None), *(slice(begin, end) for begin, end in inside))]
    if list(part.shape[1:]) != wanted:
        whole = np.zeros((image.channels, *wanted), dtype=image.voxels.dtype)
        places = (slice(low - begin, high - begin) for (low, high), begin in zip(inside, start, strict=True))
        if part.size:
            whole[(slice(None), *places)] = part
        part = whole
    return replace(image, voxels=part, affine=geometry.cropped(image.affine, start))


def flip(image: Image, axis: int) -> Image:
    """The image reversed along array axis 0 (d), 1 (h) or 2 (w)."""
    voxels = np.ascontiguousarray(np.flip(image.voxels, axis + 1))
    return replace(image, voxels=voxels, affine=geometry.flipped(image.affine, axis=axis, length=image.shape[axis]))
