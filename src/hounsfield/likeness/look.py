"""How an image looks: a small grey picture of it, and what a network pretrained on photographs sees in that.

The network knows nothing of the model's classes, so that what it sees tells a chest film from a mammogram, whatever
either shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hounsfield.arrays import FloatArray
from hounsfield.datasets.audit.features import can_look, features_of
from hounsfield.datasets.audit.glance import Small, middle_planes, shrunk
from hounsfield.image import Image
from hounsfield.preprocessing.display import Display
from hounsfield.preprocessing.intensity import Rescale
from hounsfield.preprocessing.orient import Orient
from hounsfield.preprocessing.pipeline import Pipeline
from hounsfield.preprocessing.step import require_finite

__all__ = ["can_look", "look_at", "seen_in"]

SIDE = 128
"""Of the pictures, in pixels; with 64, films of another scanner look less alike."""

_FLAT = Pipeline((Display(),))
_VOLUME = Pipeline((Orient(), Rescale(low=0.1, high=99.9)))

_BATCH = 128


def look_at(image: Image) -> Small:
    """(planes, 128, 128) uint8: a flat image, or the three middle planes of a volume, as on a screen, made squares; of
    named channels each, one after another. A volume is looked at the same way up where it knows its place in the
    patient, and between the percentiles 0.1 and 99.9 of its levels, whatever its file says: DICOM and NIfTI of one
    scan differ in both.

    Raises:
        ImageError: The image holds values that are not numbers.
    """
    shown: Pipeline = _FLAT if image.planar else _VOLUME
    require_finite(image)
    planes = [plane for one in image.apart for plane in middle_planes(shown.apply(one))]
    return np.stack([np.round(255 * np.clip(shrunk(plane, (SIDE, SIDE)), 0, 1)).astype(np.uint8) for plane in planes])


def seen_in(pictures: Sequence[Small] | Small) -> FloatArray:
    """(n, features) float32 of unit length, of pictures (n, planes, side, side).

    Raises:
        WeightsError: The network's weights are not at hand.
    """
    stacked = np.asarray(pictures)
    parts = [
        features_of(torch.from_numpy(np.ascontiguousarray(stacked[start : start + _BATCH])))
        for start in range(0, len(stacked), _BATCH)
    ]
    found: FloatArray = torch.cat(parts).numpy().astype(np.float32)
    return found
