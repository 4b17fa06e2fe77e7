"""The part of an image in which something lies, so that only this part is worked on."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError, ShapeError

Part: TypeAlias = tuple[slice, slice, slice]
"""Along (depth, height, width)."""


def require_mask(mask: BoolArray) -> None:
    """Accept a mask.

    Raises:
        ShapeError: It is not of shape (depth, height, width), or not made of true and false.
    """
    if mask.ndim != 3 or mask.dtype != np.bool_:
        raise ShapeError(
            f"a mask must be bool of shape (depth, height, width), not {mask.dtype} of shape {mask.shape}; "
            "compare labels with the one that is meant"
        )


def bounding_box(mask: BoolArray) -> Part | None:
    """The smallest box around what is inside a mask, (depth, height, width); None where nothing is."""
    flat: BoolArray = np.any(mask, axis=0)
    if not flat.any():
        return None
    rows, columns = _span(np.any(flat, axis=1)), _span(np.any(flat, axis=0))
    return _span(np.any(mask[:, rows, columns], axis=(1, 2))), rows, columns


def _span(there: BoolArray) -> slice:
    """From the first to the last place where something is."""
    places = np.flatnonzero(there)
    return slice(int(places[0]), int(places[-1]) + 1)


def box_of_lesion(mask: BoolArray) -> Part:
    """The smallest box around a lesion.

    Raises:
        ImageError: Nothing is inside its mask.
    """
    box = bounding_box(mask)
    if box is None:
        raise ImageError("the lesion's mask is empty: there is nothing to measure; give the label that is meant")
    return box


def corners_of_lesion(mask: BoolArray, affine: FloatArray) -> FloatArray:
    """The outer corners of the smallest box around a lesion, (8, 3), LPS mm.

    Args:
        mask: (depth, height, width).
        affine: (4, 4), array index to LPS mm.

    Raises:
        ImageError: Nothing is inside its mask.
    """
    ends = [(side.start - 0.5, side.stop - 0.5) for side in box_of_lesion(mask)]
    return geometry.world_from_index(affine, np.array([[d, h, w] for d in ends[0] for h in ends[1] for w in ends[2]]))


def starts(part: Part) -> tuple[int, int, int]:
    """Where a part begins, (d, h, w)."""
    return int(part[0].start), int(part[1].start), int(part[2].start)


def within(outer: Part, inner: Part) -> Part:
    """A part of a part, of the whole."""
    sides = [slice(o.start + i.start, o.start + i.stop) for o, i in zip(outer, inner, strict=True)]
    return sides[0], sides[1], sides[2]


def grown(part: Part, shape: tuple[int, ...], by_mm: float, spacing_mm: tuple[float, float, float]) -> Part:
    """The part with so much more on every side, and some voxels, as far as the image (d, h, w) goes."""
    sides = []
    for side, length, spacing in zip(part, shape, spacing_mm, strict=True):
        more = int(min(by_mm / spacing, length)) + 3
        sides.append(slice(max(0, side.start - more), min(length, side.stop + more)))
    return sides[0], sides[1], sides[2]
