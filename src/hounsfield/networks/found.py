"""`Truth` and `Found`: what there is on an image, and what a network found on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Truth:
    """What there is on one image."""

    boxes: Tensor
    """(n, 4): x0, y0, x1, y1 in pixels of the network's input, float32."""
    kinds: Tensor
    """(n,), 1 for the first kind …; 0 is nothing."""


class Truths:
    """What there is on each image of a batch; no collection, so that mixed precision leaves the boxes as they are."""

    def __init__(self, of_images: Sequence[Truth]) -> None:
        """In the order of the images."""
        self.of_images = tuple(of_images)


@dataclass(frozen=True, eq=False)
class Found:
    """The findings on one image, the surest first."""

    boxes: Tensor
    """(n, 4): x0, y0, x1, y1 in pixels of the network's input."""
    probabilities: Tensor
    """(n, kinds)."""
