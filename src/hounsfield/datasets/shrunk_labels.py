"""What shrinking takes of labels on flat images: where they are thin, a network has to see images in their own size."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.labelled import spread_over
from hounsfield.datasets.parallel import in_threads
from hounsfield.datasets.segmentation import in_instances, mask_of

SIDE = 256
"""Longer side in pixels to which images are shrunk: half of what flat images are outlined in when seen whole, as an
encoder's first maps are."""


def dice_when_shrunk(dataset: Dataset, cases: Sequence[Case], *, side: int = SIDE) -> float | None:
    """Of the label that loses most, the mean Dice of masks with themselves, made as small as that and as large again;
    None where nothing is labelled, or each object is outlined by itself.

    Cases that cannot be read count for nothing.

    Args:
        dataset: With labels on flat images.
        cases: Of it, whose masks are looked at.
        side: Pixels along the longer side.
    """
    masked = [case for case in cases if case.mask is not None]
    if not dataset.labels or in_instances(dataset.labels) or not masked:
        return None
    look = functools.partial(_each, labels=tuple(dataset.labels.values()), side=side)
    found = in_threads(look, spread_over(masked), "looking at how thin labels are")
    each = [own for own in found if isinstance(own, list)]
    values = [[own[place] for own in each if own[place] is not None] for place in range(len(dataset.labels))]
    means = [float(np.mean([value for value in own if value is not None])) for own in values if own]
    return min(means, default=None)


def _each(case: Case, *, labels: Sequence[Sequence[int]], side: int) -> list[float | None]:
    """The Dice of each label; None where it is not on the mask."""
    numbers = mask_of(case)[0]
    masks = (np.isin(numbers, own) for own in labels)
    return [_dice(mask, side) if mask.any() else None for mask in masks]


def _dice(mask: BoolArray, side: int) -> float:
    import cv2

    height, width = mask.shape
    scale = side / max(height, width)
    if scale >= 1:
        return 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5
    return float(2 * np.count_nonzero(again & mask) / (np.count_nonzero(again) + np.count_nonzero(mask)))
