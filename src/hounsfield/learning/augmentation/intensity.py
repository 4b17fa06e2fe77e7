"""Brightness, contrast and noise, drawn and applied apart so that a change can be repeated."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hounsfield.plan import Augmentation


@dataclass(frozen=True, eq=False)
class IntensityChange:
    """image * gain + bias + noise, one gain and bias an image."""

    gain: Tensor
    """(N,)."""
    bias: Tensor
    """(N,)."""
    noise: Tensor | None
    """Of the images' shape, or None."""

    def apply(self, images: Tensor) -> Tensor:
        """The changed images, of the same shape."""
        one_each = (-1, *[1] * (images.ndim - 1))
        changed = images * self.gain.view(one_each) + self.bias.view(one_each)
        return changed if self.noise is None else changed + self.noise


def draw_intensity(
    shape: torch.Size, *, augmentation: Augmentation, generator: torch.Generator
) -> IntensityChange | None:
    """A random change for images of `shape`, (N, C, …); None when the plan asks for none."""
    if augmentation.gain == augmentation.bias == augmentation.noise == 0:
        return None
    count = shape[0]
    gain = 1 + (torch.rand(count, generator=generator) * 2 - 1) * augmentation.gain
    bias = (torch.rand(count, generator=generator) * 2 - 1) * augmentation.bias
    noise = None
    if augmentation.noise:
        strength = torch.rand(count, *[1] * (len(shape) - 1), generator=generator) * augmentation.noise
        noise = torch.randn(shape, generator=generator) * strength
    return IntensityChange(gain, bias, noise)
