"""`Truth` and `Found`: what there is on an image, and what a network found on it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Truth:
    """What there is on one image."""

    boxes: Tensor
    """(n, 2 · dims): x0, y0, x1, y1 in pixels of the network's input, float32; x0, y0, z0, x1, y1, z1 in volumes."""
    kinds: Tensor
    """(n,), 1 for the first kind …; 0 is nothing."""


@dataclass(frozen=True, eq=False)
class Found:
    """The findings on one image, the surest first."""

    boxes: Tensor
    """(n, 2 · dims), as those of `Truth`."""
    probabilities: Tensor
    """(n, kinds)."""
