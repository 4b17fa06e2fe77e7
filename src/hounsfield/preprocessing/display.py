"""Grey levels as the file asks to be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hounsfield.formats.window import apply_window
from hounsfield.image import Image
from hounsfield.preprocessing.intensity import Rescale
from hounsfield.preprocessing.step import require_finite


@dataclass(frozen=True)
class Display:
    """Brightness from 0 to 1 as on a screen, so that films of many scanners and file formats come out alike.

    The file's first window or VOI LUT is applied where there is one (PS3.3 C.11.2); 8-bit images are divided by 255;
    of other images the percentiles 0.1 and 99.9 become 0 and 1.
    """

    step: ClassVar[str] = "display"

    def apply(self, image: Image) -> Image:
        """The image in [0, 1], float32.

        Raises:
            ImageError: The image holds values that are not finite numbers.
        """
        require_finite(image)
        if image.windows:
            return replace(image, voxels=apply_window(image.voxels, image.windows[0]), windows=())
        if image.voxels.dtype == np.uint8:
            return replace(image, voxels=np.divide(image.voxels, np.float32(255), dtype=np.float32))
        return Rescale(low=0.1, high=99.9).apply(image)
