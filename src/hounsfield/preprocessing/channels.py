"""One grey channel from a colour image, and the reverse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hounsfield.errors import ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type
from hounsfield.preprocessing.sketch import Sketch

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in luminance (ITU-R BT.601)."""


@dataclass(frozen=True)
class Threefold:
    """A grey image as three channels that are alike, for networks that take colours; another one is left as it is."""

    step: ClassVar[str] = "threefold"

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """Three copies."""
        if image.channels != 1:
            return 0, image
        result = replace(image, channels=3).in_type(image.dtype)
        return result.kept, result

    def apply(self, image: Image) -> Image:
        """The image with three channels, if it has one."""
        return replace(image, voxels=np.repeat(image.voxels, 3, axis=0)) if image.channels == 1 else image


@dataclass(frozen=True)
class Grey:
    """Luminance of a colour image; a grey image is left as it is, and the type of its numbers is kept."""

    step: ClassVar[str] = "grey"

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """The colours in float32, and what they become; rounding that takes no more."""
        if image.channels != 3:
            return 0, image
        result = replace(image, channels=1)
        return 4 * result.in_type(np.float32).kept, result.in_type(image.dtype)

    def apply(self, image: Image) -> Image:
        """The image with one channel.

        Raises:
            ShapeError: It has neither one nor three channels.
        """
        if image.channels == 1:
            return image
        if image.channels != 3:
            raise ShapeError(f"step 'grey' knows images of 1 or 3 channels, but this one has {image.channels}")
        grey = np.tensordot(_LUMA, image.voxels.astype(np.float32), axes=1)[np.newaxis]
        return replace(image, voxels=as_type(grey, image.voxels.dtype))
