"""The part of an image that shows anything: around a patient in a scanner there is air, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from hounsfield.findings.box import bounding_box
from hounsfield.image import Image
from hounsfield.preprocessing.grid import crop
from hounsfield.preprocessing.sketch import Sketch


@dataclass(frozen=True)
class Foreground:
    """The smallest box around all that is not as the image's corners are; the whole image where these differ.

    After a window, the air around a body is of one level, and the voxels that a scanner never saw are too.
    """

    step: ClassVar[str] = "foreground"

    def apply(self, image: Image) -> Image:
        """The image cut to the box; the affine follows. One of a single level stays as it is."""
        corners = [image.voxels[:, d, h, w] for d, h, w in product((0, -1), repeat=3)]
        if not all(np.array_equal(corner, corners[0]) for corner in corners):
            return image
        shown = (image.voxels != corners[0][:, None, None, None]).any(axis=0)
        box = bounding_box(shown)
        if box is None or shown.shape == tuple(side.stop - side.start for side in box):
            return image
        deep, high, wide = box
        return crop(image, (deep.start, high.start, wide.start), (deep.stop, high.stop, wide.stop))

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """Whether each voxel is background, of each channel and of all; the box is a part of the image."""
        return image.voxels + image.voxels // image.channels, image
