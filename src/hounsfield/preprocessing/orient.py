"""The same way up for all volumes: one file begins at the patient's back, the next one at the front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hounsfield import geometry
from hounsfield.image import Image
from hounsfield.preprocessing.grid import flip
from hounsfield.preprocessing.sketch import Sketch

_BACKWARDS = "RAI"
"""Letters of `geometry.orientation` that run against LPS."""


@dataclass(frozen=True)
class Orient:
    """Every axis turned round so that it grows to the patient's left, back or head, whichever it runs along.

    Axes keep their order: of a volume whose slices are sagittal they stay so. An image that does not know its place in
    the patient stays as it is.
    """

    step: ClassVar[str] = "orient"

    def apply(self, image: Image) -> Image:
        """The image turned; the affine follows."""
        if image.spacing_kind != "patient":
            return image
        for axis, letter in enumerate(geometry.orientation(image.affine)):
            if letter in _BACKWARDS and image.shape[axis] > 1:
                image = flip(image, axis)
        return image

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """Two copies, where more than one axis is turned."""
        found = image.in_type(image.dtype)
        return 2 * found.kept, found
