"""`Sketch`: an image without its voxels, from which steps say how much memory they take before it is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hounsfield.image import Image, SpacingKind

COPIES = 4
"""Copies in float32 that are counted beside the image for a step that does not say; measured on a volume of 16 bits:
1 (median) to 3.3 (bilateral)."""


@dataclass(frozen=True)
class Sketch:
    """What of an image its memory depends on."""

    channels: int
    shape: tuple[int, int, int]
    """(depth, height, width); of a part that was cut out no more than this."""
    spacing_mm: tuple[float, float, float]
    spacing_kind: SpacingKind
    dtype: np.dtype[Any]
    kept: int = 0
    """Bytes that are held for it: of its voxels, or of the image that it is a part of. 0 of an image as stored, which
    is there anyhow."""
    named: bool = False
    """Whether its channels have names, so that steps may work on each by itself."""

    @classmethod
    def of(cls, image: Image) -> Sketch:
        """Of an image as stored."""
        named = bool(image.channel_names)
        return cls(image.channels, image.shape, image.spacing_mm, image.spacing_kind, image.voxels.dtype, named=named)

    @property
    def voxels(self) -> int:
        """How many numbers it holds."""
        return self.channels * prod(self.shape)

    def in_type(self, dtype: np.dtype[Any] | type) -> Sketch:
        """A new image of the same size, in another type."""
        return replace(self, dtype=np.dtype(dtype), kept=self.voxels * np.dtype(dtype).itemsize)


@runtime_checkable
class Sparing(Protocol):
    """A step that says how much memory it takes."""

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """Bytes that `apply` takes beside the image at most, those of its result among them; and the result."""
        ...


def need_of(step: object, image: Sketch) -> tuple[int, Sketch]:
    """What a step says, or what is counted for one that does not."""
    if isinstance(step, Sparing):
        return step.need(image)
    return 4 * COPIES * image.voxels, image.in_type(np.float32)
