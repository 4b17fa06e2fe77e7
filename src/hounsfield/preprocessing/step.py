"""`Step`: what every preprocessing step is, and the few checks that all of them share."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Protocol

import numpy as np

from hounsfield.arrays import BoolArray
from hounsfield.errors import ImageError, PlanError, ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.sketch import Sketch


class Step(Protocol):
    """A frozen dataclass whose fields are the step's settings and whose `apply` gives a new image."""

    step: ClassVar[str]
    """The name by which a plan calls it."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def apply(self, image: Image) -> Image:
        """The image after this step; `affine` still says where each of its voxels lies."""
        ...


def refuse(step: str, field: str, found: object, expected: str) -> PlanError:
    """The error for a field out of range, to be raised."""
    return PlanError(f"step {step!r}, field {field!r}: found {found!r}, but it must be {expected}")


def require_positive(step: str, field: str, value: float) -> None:
    """Refuse what is not a finite number above 0.

    Raises:
        PlanError: It is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise refuse(step, field, value, "a number above 0")


def require_planar(step: str, image: Image) -> None:
    """Refuse a volume where a step works on flat images only.

    Raises:
        ShapeError: The image has more than one slice.
    """
    if not image.planar:
        raise ShapeError(f"step {step!r} works on planar images, but this one has {image.shape[0]} slices")


def finite_need(image: Sketch) -> int:
    """Bytes that `require_finite` takes."""
    return image.voxels if np.issubdtype(image.dtype, np.floating) else 0


def require_finite(image: Image) -> None:
    """Refuse voxels that are not numbers, for one of them spoils every mean and every network.

    Raises:
        ImageError: There is a not-a-number or an infinity; the sentence says how many and where the first lies.
    """
    voxels = image.voxels
    if not np.issubdtype(voxels.dtype, np.floating):
        return
    bad: BoolArray = np.isfinite(voxels)
    np.logical_not(bad, out=bad)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ImageError(
            f"{image.source.path or 'image'}: {int(bad.sum())} of {bad.size} voxels are not finite numbers, the first "
            f"at (channel, depth, height, width) = {first}; replace them in the file before it is read"
        )
