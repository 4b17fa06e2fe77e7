"""U-Net: shapes, any size of image, and that it learns."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn

from hounsfield.errors import ShapeError
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.unet import UNet


def flat(outputs: int = 3) -> UNet:
    torch.manual_seed(0)
    encoder = ResidualNet(dims=2, channels=1, outputs=1, widths=(8, 16, 32), blocks=(1, 1, 1))
    return UNet(dims=2, channels=1, outputs=outputs, encoder=encoder)


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (5, 64)])
def test_every_pixel_of_an_image_of_any_size_gets_an_answer(shape: tuple[int, int]) -> None:
    assert flat().eval()(torch.rand(2, 1, *shape)).shape == (2, 3, *shape)


def test_volumes_may_shrink_more_along_some_axes_than_along_others() -> None:
    encoder = ResidualNet(
        dims=3, channels=2, outputs=1, widths=(4, 8, 8), blocks=(1, 1, 1), strides=((1, 2, 2), (2, 2, 2))
    )
    network = UNet(dims=3, channels=2, outputs=2, encoder=encoder, normalisation="instance")
    maps = encoder.pyramid(torch.rand(1, 2, 6, 16, 16))
    assert [tuple(level.shape[2:]) for _, level in maps] == [(6, 16, 16), (6, 8, 8), (3, 4, 4)]
    assert network.eval()(torch.rand(1, 2, 5, 17, 16)).shape == (1, 2, 5, 17, 16)


def test_in_training_coarser_maps_answer_too() -> None:
    found = flat()(torch.rand(2, 1, 32, 32), deep=True)
    assert [tuple(one.shape) for one in found] == [(2, 3, 32, 32), (2, 3, 16, 16)]


def test_halves_of_odd_sides_are_rounded_up_and_lie_where_they_came_from() -> None:
    network = flat()
    found = network(torch.rand(2, 1, 27, 38), deep=True)
    assert [tuple(one.shape) for one in found] == [(2, 3, 27, 38), (2, 3, 14, 19)]
    joined = network.up[0]
    coarse = torch.arange(14.0).view(1, 1, 14, 1).expand(1, 16, 14, 19)
    enlarged = nn.functional.interpolate(coarse, size=(27, 38), mode="nearest")
    assert enlarged[0, 0, :, 0].tolist() == [place // 2 for place in range(27)]
    assert joined(coarse, torch.zeros(1, 8, 27, 38)).shape == (1, 8, 27, 38)


def test_maps_of_both_ways_may_be_added() -> None:
    def of(skip: Literal["concatenate", "add"]) -> UNet:
        encoder = ResidualNet(dims=2, channels=1, outputs=1, widths=(8, 16), blocks=(1, 1))
        return UNet(dims=2, channels=1, outputs=3, encoder=encoder, skip=skip)

    both, added = of("concatenate"), of("add")
    assert added.up[0].look[0].weight.shape == (8, 8, 3, 3) and both.up[0].look[0].weight.shape == (8, 16, 3, 3)
    fine, coarse = torch.rand(1, 8, 4, 4), torch.rand(1, 16, 2, 2)
    upwards = added.eval().up[0]
    sums = fine + nn.functional.interpolate(upwards.fewer(coarse), scale_factor=2, mode="nearest")
    torch.testing.assert_close(upwards(coarse, fine), upwards.look(sums))
    assert added(torch.rand(2, 1, 33, 47)).shape == (2, 3, 33, 47)


def test_coarser_answers_are_asked_for_by_name_alone() -> None:
    with pytest.raises(TypeError, match="positional"):
        flat()(torch.rand(1, 1, 32, 32), True)


def test_a_pretrained_encoder_begins_smaller_and_the_image_itself_is_seen_beside_it() -> None:
    torch.manual_seed(0)
    network = UNet(dims=2, channels=1, outputs=2, encoder=Pretrained(dims=2, channels=1, outputs=1), finest=8)
    assert network.eval()(torch.rand(1, 1, 70, 64)).shape == (1, 2, 70, 64)
    assert network.stages()[-1][0] is network.first


def test_it_learns_to_tell_bright_discs_from_dark_ones() -> None:
    network = flat()
    grid = torch.stack(torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij"))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)

    def drawn() -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = torch.full((4, 1, 32, 32), 0.5), torch.zeros(4, 32, 32, dtype=torch.long)
        for row in range(4):
            for label, level in ((1, 0.8), (2, 0.2)):
                middle = torch.randint(8, 24, (2,), generator=generator)
                disc = (grid - middle[:, None, None]).square().sum(dim=0) < 25
                images[row, 0][disc], targets[row][disc] = level, label
        return images + 0.05 * torch.randn(images.shape, generator=generator), targets

    for _ in range(100):
        images, targets = drawn()
        loss = nn.functional.cross_entropy(network(images), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    images, targets = drawn()
    assert (network.eval()(images).argmax(dim=1) == targets).float().mean() > 0.97


def test_an_encoder_for_other_images_is_refused() -> None:
    with pytest.raises(ShapeError, match="not for 3-D ones"):
        UNet(dims=3, channels=1, outputs=2, encoder=ResidualNet(dims=2, channels=1, outputs=1))


def test_stages_begin_with_the_encoder_and_end_with_what_is_new() -> None:
    network = flat()
    learned = {id(p) for stage in network.stages() for module in stage for p in module.parameters()}
    assert learned == {id(p) for p in network.parameters()}
