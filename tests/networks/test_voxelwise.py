"""What several networks and mirrored copies say of every voxel, as one row."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hounsfield.networks.voxelwise import Voxelwise


class Beside(nn.Module):
    """Says of every voxel what its left neighbour's level is, and that times a factor: what a mirror turns round."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        moved = torch.roll(images, 1, dims=-1)
        return torch.cat([moved, self.factor * moved], dim=1)


@pytest.mark.parametrize("flip_axes", [(), (2,)])
def test_a_row_is_the_mean_of_networks_and_of_mirrored_copies_turned_back(flip_axes: tuple[int, ...]) -> None:
    images = torch.rand(2, 1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    network = Voxelwise([Beside(2.0), Beside(4.0)], shape=(3, 4, 5), flip_axes=flip_axes)
    said = network.logits(network(images))
    level = torch.roll(images, 1, dims=-1)
    if flip_axes:
        level = (level + torch.roll(images, -1, dims=-1)) / 2
    torch.testing.assert_close(said, torch.cat([level, 3 * level], dim=1))
