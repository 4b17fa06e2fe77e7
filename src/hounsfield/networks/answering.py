"""`Answering`: an ensemble, its mirrored copies and its calibration as one module, from images to one answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

import torch
from torch import Tensor, nn


def mirrors(flip_axes: Sequence[int]) -> list[tuple[int, ...]]:
    """Every choice of axes that a copy may be reversed along, the unchanged image first."""
    return list(chain.from_iterable(combinations(flip_axes, size) for size in range(len(flip_axes) + 1)))


class Answering(nn.Module):
    """The mean answer of several networks to an image and its mirrored copies.

    The copies of an image are shown together, so that every network stands once in what is made of this module; that
    takes the memory of as many images as there are copies.
    """

    scale: Tensor
    offset: Tensor

    def __init__(
        self,
        members: Sequence[nn.Module],
        *,
        flip_axes: Sequence[int] = (),
        scale: float = 1.0,
        offset: Sequence[float] = (),
        softmax: bool = False,
    ) -> None:
        """Tie the members together; they are shared, not copied.

        Args:
            members: Networks of one input and output shape.
            flip_axes: Spatial axes, 0 for the first after the channels, that a copy may be reversed along.
            scale: What the mean logits are multiplied by.
            offset: What is then added, a number an output; none when empty.
            softmax: Whether the answer is probabilities.
        """
        super().__init__()
        self.members = nn.ModuleList(members)
        self.mirrors = mirrors(flip_axes)
        self.softmax = softmax
        self.register_buffer("scale", torch.tensor(float(scale)))
        self.register_buffer("offset", torch.tensor([float(value) for value in offset or (0.0,)]))

    def forward(self, images: Tensor) -> Tensor:
        """Logits or probabilities, (N, outputs), of images (N, C, H, W) or (N, C, D, H, W)."""
        copies = [images.flip([axis + 2 for axis in mirror]) if mirror else images for mirror in self.mirrors]
        shown = torch.cat(copies) if len(copies) > 1 else images
        mean = torch.stack([member(shown).float() for member in self.members]).mean(dim=0)
        if len(copies) > 1:
            mean = mean.reshape(len(copies), -1, mean.shape[1]).mean(dim=0)
        calibrated = mean * self.scale + self.offset
        return torch.softmax(calibrated, dim=1) if self.softmax else calibrated
