"""Stain, brightness, contrast and noise, drawn and applied apart so that a change can be repeated.

A stain is changed in optical density, where the light that passes a stained layer is linear in its strength.

Reference:
    Tellez et al., "Quantifying the effects of data augmentation and stain color normalization in convolutional neural
    networks for computational pathology" (2019), arXiv:1902.06543.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hounsfield.plan import Augmentation

_DARKEST = 1 / 255
"""No light at all has no optical density."""


@dataclass(frozen=True, eq=False)
class IntensityChange:
    """image ** stain * gain + bias + noise, one gain and bias an image, one stain a colour of it."""

    gain: Tensor
    """(N,)."""
    bias: Tensor
    """(N,)."""
    noise: Tensor | None
    """Of the images' shape, or None."""
    stain: Tensor | None = None
    """(N, C), what optical densities are multiplied by, or None."""

    def apply(self, images: Tensor) -> Tensor:
        """The changed images, of the same shape."""
        one_each = (-1, *[1] * (images.ndim - 1))
        if self.stain is not None:
            by_colour = self.stain.view(*self.stain.shape, *[1] * (images.ndim - 2))
            images = images.clamp(0, 1).clamp_min(_DARKEST) ** by_colour
        changed = images * self.gain.view(one_each) + self.bias.view(one_each)
        return changed if self.noise is None else changed + self.noise


def draw_intensity(
    shape: torch.Size, *, augmentation: Augmentation, generator: torch.Generator
) -> IntensityChange | None:
    """A random change for images of `shape`, (N, C, …); None when the plan asks for none."""
    if augmentation.gain == augmentation.bias == augmentation.noise == augmentation.stain == 0:
        return None
    count, colours = shape[:2]
    gain = 1 + (torch.rand(count, generator=generator) * 2 - 1) * augmentation.gain
    bias = (torch.rand(count, generator=generator) * 2 - 1) * augmentation.bias
    noise = None
    if augmentation.noise:
        strength = torch.rand(count, *[1] * (len(shape) - 1), generator=generator) * augmentation.noise
        noise = torch.randn(shape, generator=generator) * strength
    stain = None
    if augmentation.stain and colours == 3:
        stain = torch.exp((torch.rand(count, colours, generator=generator) * 2 - 1) * augmentation.stain)
    return IntensityChange(gain, bias, noise, stain)
