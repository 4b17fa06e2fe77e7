"""One grey channel from a colour image and the reverse, and steps on one of several named channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from hounsfield.errors import ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type
from hounsfield.preprocessing.sketch import Sketch, need_of
from hounsfield.preprocessing.step import Step, refuse

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
            ShapeError: It has neither one nor three channels, or they are no colours.
        """
        if image.channels == 1:
            return image
        if image.channel_names:
            raise ShapeError(f"step 'grey' is for colours, and this image has {', '.join(image.channel_names)}")
        if image.channels != 3:
            raise ShapeError(f"step 'grey' knows images of 1 or 3 channels, but this one has {image.channels}")
        grey = np.tensordot(_LUMA, image.voxels.astype(np.float32), axes=1)[np.newaxis]
        return replace(image, voxels=as_type(grey, image.voxels.dtype))


BY_ITSELF = ("display", "rescale", "zscore", "window", "clahe", "gaussian", "median", "bilateral")
"""Steps that keep the grid, and of several named channels work on each by itself, or on one alone."""


@dataclass(frozen=True)
class OfChannel:
    """A step on one of several named channels; the others stay as they are."""

    step: ClassVar[str] = "of_channel"

    inner: Step
    channel: str

    def __post_init__(self) -> None:
        if self.inner.step not in BY_ITSELF:
            raise refuse(self.inner.step, "channel", self.channel, f"left out: it is of {', '.join(BY_ITSELF)} alone")

    def apply(self, image: Image) -> Image:
        """The image with the channel changed; all become float32 where whole numbers do not hold it.

        Raises:
            ShapeError: It has no channel of this name.
            HounsfieldError: The step refuses the channel.
        """
        if self.channel not in image.channel_names:
            raise ShapeError(
                f"step {self.inner.step!r} is for the channel {self.channel!r}, and {image.source.path or 'the image'} "
                f"has {', '.join(image.channel_names) or 'none with a name'}"
            )
        return _one_by_one(self.inner, image, [image.channel_names.index(self.channel)])

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """A copy of all channels, and what the step takes for one."""
        return _need_one_by_one(self.inner, image)


def applied(step: Step, image: Image) -> Image:
    """The image after a step, which works on each named channel by itself where it is one of `BY_ITSELF`."""
    if not image.channel_names or step.step not in BY_ITSELF:
        return step.apply(image)
    return _one_by_one(step, image, range(image.channels))


def need_applied(step: Step, image: Sketch) -> tuple[int, Sketch]:
    """Bytes that `applied` takes beside the image at most, those of its result among them; and the result."""
    if not image.named or step.step not in BY_ITSELF:
        return need_of(step, image)
    return _need_one_by_one(step, image)


def _one_by_one(step: Step, image: Image, places: Sequence[int]) -> Image:
    """The image after a step on some channels, each by itself; the windows are those of the first channel."""
    apart, result = image.apart, image
    for number, place in enumerate(places):
        done = step.apply(apart[place])
        if not number:
            same = done.voxels.dtype == image.voxels.dtype
            result = replace(image, voxels=image.voxels.astype(image.voxels.dtype if same else np.float32))
        result.voxels[place] = done.voxels[0]
        if not place:
            result = replace(result, windows=done.windows)
        del done  # not held while the next one is worked on
    return result


def _need_one_by_one(step: Step, image: Sketch) -> tuple[int, Sketch]:
    needed, one = need_of(step, replace(image, channels=1, named=False))
    result = image.in_type(image.dtype if one.dtype == image.dtype else np.float32)
    return result.kept + needed, result
