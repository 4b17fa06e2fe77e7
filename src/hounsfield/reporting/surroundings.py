"""The part of a volume around what is labelled, so that pictures show it large and still where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hounsfield.findings.box import bounding_box
from hounsfield.image import Image, Mask
from hounsfield.preprocessing.grid import crop

_AROUND = 0.5
"""Of the longest side of what is labelled, on each side."""
_LEAST_VOXELS = 8
"""On each side, of the finest axis."""


def surroundings(image: Image, masks: Sequence[Mask]) -> tuple[Image, tuple[Mask, ...]]:
    """The part of a volume in which all labels lie, and half its longest side around; all of a flat image, and where
    nothing is labelled.

    Args:
        image: As stored; its affine is that of the part afterwards.
        masks: On its grid, cut in the same way.
    """
    boxes = [box for mask in masks if (box := bounding_box(mask.labels > 0)) is not None]
    if image.planar or not boxes:
        return image, tuple(masks)
    spacing = np.array(image.spacing_mm)
    start = np.min([[side.start for side in box] for box in boxes], axis=0)
    stop = np.max([[side.stop for side in box] for box in boxes], axis=0)
    around_mm = max(_AROUND * float(((stop - start) * spacing).max()), _LEAST_VOXELS * float(spacing.min()))
    around = np.ceil(around_mm / spacing).astype(int)
    first, last = np.maximum(start - around, 0), np.minimum(stop + around, image.shape)
    part = tuple(slice(int(one), int(other)) for one, other in zip(first, last, strict=True))
    begin, end = ((int(place[0]), int(place[1]), int(place[2])) for place in (first, last))
    return crop(image, begin, end), tuple(replace(mask, labels=mask.labels[part]) for mask in masks)
