"""One grey channel from a colour image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hounsfield.errors import ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in luminance (ITU-R BT.601)."""


@dataclass(frozen=True)
class Grey:
    """Luminance of a colour image; a grey image is left as it is, and the type of its numbers is kept."""

    step: ClassVar[str] = "grey"

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
