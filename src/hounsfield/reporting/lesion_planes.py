"""A lesion outlined in three planes through its middle, with the structures around it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray
from hounsfield.image import Image, Mask, Window
from hounsfield.reporting.drawing import legend_strip
from hounsfield.reporting.lesion_views import ink_of
from hounsfield.reporting.margin_panels import LESION, tissue_window
from hounsfield.reporting.planes import Drawn, joined, middle_of, planes_through

_FLAT, _PLANE = 900, 560
"""Pixels along the longer side of a plane."""


def lesion_planes(
    image: Image, lesion: BoolArray, structures: Mapping[str, BoolArray], *, window: Window | None = None
) -> NDArray[np.uint8]:
    """(height, width, 3): the slice and the planes along the other two axes, of a flat image the image, with the lines
    of lesion and structures; below, what the colours are.

    Args:
        image: That was measured on.
        lesion: (depth, height, width), not empty.
        structures: By name, on the same grid.
        window: None takes the image's own, or one that fits the tissue around the lesion.
    """
    told = [(ink_of(place), name) for place, name in enumerate(structures)]
    drawn = [Drawn(_seen(structures[name], name), (ink,)) for ink, name in told]
    own = _seen(lesion, "lesion")
    pixels = planes_through(
        image,
        [*drawn, Drawn(own, (LESION,))],
        centre=middle_of(own),
        max_side=_FLAT if image.planar else _PLANE,
        window=window or tissue_window(image, lesion),
    )
    return joined([pixels, legend_strip([(LESION, "lesion"), *told], pixels.shape[1])], axis=0)


def _seen(mask: BoolArray, name: str) -> Mask:
    """The same voxels as labels, not copied."""
    return Mask(mask.view(np.uint8), (name,))
