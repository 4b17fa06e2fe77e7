"""The slices of a volume as flat images, for encoders that look at them one by one.

An encoder of three times as many channels is shown each slice between its neighbours: one that learned from photographs
the slice before a grey one as red, and the slice behind it as blue. The first and the last stand beside themselves.
"""

from __future__ import annotations

import torch
from torch import Tensor


def between_neighbours(channels: int, taken: int) -> bool:
    """Whether slices of so many channels are shown between their neighbours to an encoder that takes `taken`."""
    return taken == 3 * channels


def slices_of(volumes: Tensor, *, neighbours: bool = False) -> Tensor:
    """(N, D, C, H, W) of volumes (N, C, D, H, W).

    Args:
        volumes: The volumes.
        neighbours: Whether each slice stands between its neighbours: (N, D, 3 * C, H, W).
    """
    slices = volumes.transpose(1, 2)
    if not neighbours:
        return slices
    before = torch.cat([slices[:, :1], slices[:, :-1]], dim=1)
    after = torch.cat([slices[:, 1:], slices[:, -1:]], dim=1)
    return torch.cat([before, slices, after], dim=2)


def one_by_one(instances: Tensor, images: Tensor) -> Tensor:
    """(N * I, C, H, W) of instances (N, I, C, H, W), in the memory order of the images that they are of."""
    together = instances.flatten(0, 1)
    innermost = torch.channels_last if images.ndim == 4 else torch.channels_last_3d
    if images.is_contiguous(memory_format=innermost):
        together = together.contiguous(memory_format=torch.channels_last)
    return together
