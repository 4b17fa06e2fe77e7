"""How large the breast is on whole mammograms: what is left of a film when it is cut to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.datasets.case import ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import HounsfieldError
from hounsfield.preprocessing.breast import BreastRegion
from hounsfield.preprocessing.display import Display

_FILMS = 32
"""Looked at: the median of so many is known to a few per cent."""


def breast_median(refs: Sequence[ImageRef]) -> tuple[int, int] | None:
    """Median (height, width), in pixels as stored, of the breast on some of the films; None where none is found.

    Args:
        refs: Whole films, in an order that says nothing of what they show.
    """
    found = in_threads(_shape, refs[:_FILMS], "looking for the breast")
    shapes = [shape for shape in found if not isinstance(shape, HounsfieldError)]  # without a breast, or unreadable
    if not shapes:
        return None
    height, width = np.median(np.array(shapes), axis=0)
    return round(float(height)), round(float(width))


def _shape(ref: ImageRef) -> tuple[int, int]:
    cut = BreastRegion().apply(Display().apply(load(ref)))
    return cut.shape[1], cut.shape[2]
