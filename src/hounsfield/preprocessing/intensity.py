"""Grey levels on the scale that a network expects. All steps here give float32 and drop the file's windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.errors import ImageError
from hounsfield.image import Image
from hounsfield.preprocessing.sketch import Sketch
from hounsfield.preprocessing.step import refuse, require_finite, require_planar, require_positive

_BY_HISTOGRAM = (np.uint8, np.uint16)
"""Types of few levels, whose percentiles are counted."""

Over = Literal["image", "nonzero"]
"""From which voxels a step takes its statistics: all, or those that are not 0 (after the background was cleared)."""


@dataclass(frozen=True)
class Float:
    """The same values as float32, or whole numbers divided by the largest of their type."""

    step: ClassVar[str] = "float"

    scale: Literal["none", "type"] = "none"
    """"type" maps uint8 0 to 255 and uint16 0 to 65535 onto 0 to 1; float images are left as they are, but for those of
    named channels, whose files may be of several types, each with its own largest number."""

    def __post_init__(self) -> None:
        if self.scale not in ("none", "type"):
            raise refuse(self.step, "scale", self.scale, '"none" or "type"')

    def apply(self, image: Image) -> Image:
        """The image in float32.

        Raises:
            ImageError: It has named channels that are float already, and their type is to be their scale.
        """
        whole = np.issubdtype(image.voxels.dtype, np.integer)
        if self.scale == "type" and image.channel_names and not whole:
            raise ImageError(
                f"{image.source.path or 'the image'}: its channels {', '.join(image.channel_names)} are not whole "
                "numbers of one type, so that step 'float' with scale = \"type\" does not know how bright is bright: "
                "give channels of one type, or a plan with step 'rescale'"
            )
        values = image.voxels.astype(np.float32)
        if self.scale == "none" or not whole:
            return replace(image, voxels=values)
        values /= np.float32(np.iinfo(image.voxels.dtype).max)
        return _with_levels(image, values)

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """One copy in float32."""
        found = image.in_type(np.float32)
        return found.kept, found


@dataclass(frozen=True)
class Rescale:
    """Two percentiles of the image mapped onto 0 and 1, what lies beyond is clipped."""

    step: ClassVar[str] = "rescale"

    low: float = 0.5
    """Percentile that becomes 0, in [0, 100]."""
    high: float = 99.5
    """Percentile that becomes 1, above `low`."""
    over: Over = "image"

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise refuse(self.step, "low", (self.low, self.high), "a percentile below 'high', both in 0 to 100")
        _require_over(self.step, self.over)

    def apply(self, image: Image) -> Image:
        """The image in [0, 1]; one of a single grey level becomes 0.

        Raises:
            ImageError: The image holds values that are not finite numbers.
        """
        require_finite(image)
        values = _counted(image.voxels, self.over)
        low, high = percentiles(values, (self.low, self.high)) if values.size else (0.0, 0.0)
        if high <= low:
            return _with_levels(image, np.zeros(image.voxels.shape, dtype=np.float32))
        scaled = image.voxels.astype(np.float32)
        scaled -= np.float32(low)
        scaled /= np.float32(high - low)
        return _with_levels(image, np.clip(scaled, 0, 1, out=scaled))

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """One copy in float32, and before it for the percentiles a copy, or a histogram; beside both what is counted,
        where that is not all."""
        found = image.in_type(np.float32)
        each = 8 if image.dtype in _BY_HISTOGRAM else image.dtype.itemsize
        chosen = 0 if self.over == "image" else image.dtype.itemsize
        return image.voxels * (chosen + max(each, 4)), found


@dataclass(frozen=True)
class ZScore:
    """Mean 0 and standard deviation 1, over the whole image or over what is not 0 (which then stays 0)."""

    step: ClassVar[str] = "zscore"

    over: Over = "image"

    def __post_init__(self) -> None:
        _require_over(self.step, self.over)

    def apply(self, image: Image) -> Image:
        """The standardised image; one of a single grey level becomes 0.

        Raises:
            ImageError: The image holds values that are not finite numbers.
        """
        require_finite(image)
        values = _counted(image.voxels, self.over)
        mean, deviation = (values.mean(dtype=np.float64), values.std(dtype=np.float64)) if values.size else (0.0, 0.0)
        scaled = np.zeros(image.voxels.shape, dtype=np.float32)
        if deviation > 0:
            scaled = (image.voxels.astype(np.float32) - np.float32(mean)) / np.float32(deviation)
            if self.over == "nonzero":
                scaled[image.voxels == 0] = 0
        return _with_levels(image, scaled)


@dataclass(frozen=True)
class WindowLevel:
    """A grey-level window mapped onto 0 to 1 by the function LINEAR of PS3.3 C.11.2.1.2.1, as for CT in HU."""

    step: ClassVar[str] = "window"

    center: float = 40.0
    """Level shown as mid grey, in the image's units; the defaults are the soft-tissue window of CT."""
    width: float = 400.0
    """Levels from black to white, > 1."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.center):
            raise refuse(self.step, "center", self.center, "a finite number")
        if not (np.isfinite(self.width) and self.width > 1):
            raise refuse(self.step, "width", self.width, "a number above 1")

    def apply(self, image: Image) -> Image:
        """The image in [0, 1]."""
        shown = image.voxels.astype(np.float32)
        shown -= np.float32(self.center - 0.5)
        shown /= np.float32(self.width - 1)
        shown += np.float32(0.5)
        return _with_levels(image, np.clip(shown, 0, 1, out=shown))

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """One copy in float32."""
        found = image.in_type(np.float32)
        return found.kept, found


@dataclass(frozen=True)
class Clahe:
    """Contrast-limited adaptive histogram equalisation of a planar image, into [0, 1].

    Reference:
        Zuiderveld, Graphics Gems IV (1994), pp. 474-485.
    """

    step: ClassVar[str] = "clahe"

    clip: float = 2.0
    """Highest bin of a tile's histogram as a multiple of the mean one, > 0; higher means more contrast."""
    tiles: int = 8
    """Tiles along each axis, 1 or more."""

    def __post_init__(self) -> None:
        require_positive(self.step, "clip", self.clip)
        if self.tiles < 1:
            raise refuse(self.step, "tiles", self.tiles, "a whole number, 1 or more")

    def apply(self, image: Image) -> Image:
        """The equalised image; one of a single grey level becomes 0.

        Raises:
            ShapeError: The image is a volume.
            ImageError: The image holds values that are not finite numbers.
        """
        import cv2

        require_planar(self.step, image)
        spread = Rescale(low=0, high=100).apply(image).voxels
        if not spread.any():
            return _with_levels(image, spread)
        equaliser = cv2.createCLAHE(clipLimit=self.clip, tileGridSize=(self.tiles, self.tiles))
        levels = np.rint(spread[:, 0] * 65535).astype(np.uint16)
        equal = np.stack([np.asarray(equaliser.apply(plane)) for plane in levels])[:, np.newaxis]
        return _with_levels(image, equal.astype(np.float32) / np.float32(65535))


def percentiles(values: VoxelArray, percents: tuple[float, float]) -> tuple[float, float]:
    """Two percentiles, linear between neighbours as `numpy.percentile`; 8 and 16 bits go through a histogram."""
    if values.dtype not in _BY_HISTOGRAM:
        low, high = np.percentile(values, percents)
        return float(low), float(high)
    below = np.cumsum(np.bincount(values.ravel()))

    def level(percent: float) -> float:
        rank = percent / 100 * (values.size - 1)
        first, second = np.searchsorted(below, [np.floor(rank), np.ceil(rank)], side="right")
        return float(first + (second - first) * (rank - np.floor(rank)))

    return level(percents[0]), level(percents[1])


def _counted(voxels: VoxelArray, over: Over) -> VoxelArray:
    return voxels if over == "image" else voxels[voxels != 0]


def _with_levels(image: Image, voxels: FloatArray | np.ndarray[Any, Any]) -> Image:
    return replace(image, voxels=np.asarray(voxels, dtype=np.float32), windows=())


def _require_over(step: str, over: str) -> None:
    if over not in ("image", "nonzero"):
        raise refuse(step, "over", over, '"image" or "nonzero"')
