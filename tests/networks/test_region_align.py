"""Regions are cut out as torchvision cuts them."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from hounsfield.networks.region_align import cut_out

pytestmark = pytest.mark.usefixtures("one_thread")
STRIDES = (8, 16, 32)
SIZE = (192, 128)


def maps(images: int = 2, *, width: int = 5) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(images, width, SIZE[0] // own, SIZE[1] // own, generator=generator) for own in STRIDES]


def boxes(count: int, *, seed: int, beyond: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(count, 2, generator=generator) * torch.tensor([SIZE[1], SIZE[0]])
    sides = torch.exp(torch.randn(count, 2, generator=generator) * 1.2 + 3)
    found = torch.cat([centres - sides / 2, centres + sides / 2], dim=1)
    if beyond:
        return found * 1.5 - 20
    limits = torch.tensor([SIZE[1], SIZE[0]] * 2, dtype=torch.float32)
    return torch.minimum(found.clamp(min=0), limits)


def theirs(levels: list[Tensor], regions: list[Tensor]) -> Tensor:
    align = MultiScaleRoIAlign([str(number) for number in range(len(levels))], output_size=7, sampling_ratio=2)
    named = OrderedDict((str(number), level) for number, level in enumerate(levels))
    found: Tensor = align(named, regions, [SIZE] * len(regions))
    return found


@pytest.mark.parametrize("beyond", [False, True])
def test_regions_of_all_resolutions_and_images_are_torchvisions(beyond: bool) -> None:
    levels, regions = maps(), [boxes(200, seed=1, beyond=beyond), boxes(150, seed=2, beyond=beyond)]
    torch.testing.assert_close(cut_out(levels, regions, STRIDES), theirs(levels, regions), atol=2e-5, rtol=0)


def test_an_image_without_regions_takes_none_of_the_others() -> None:
    levels, regions = maps(3), [boxes(4, seed=1), torch.zeros(0, 4), boxes(3, seed=2)]
    found = cut_out(levels, regions, STRIDES)
    assert found.shape == (7, 5, 7, 7)
    torch.testing.assert_close(found, theirs(levels, regions), atol=2e-5, rtol=0)
    assert cut_out(levels, [torch.zeros(0, 4)] * 3, STRIDES).shape == (0, 5, 7, 7)


def test_one_resolution_takes_regions_of_every_size() -> None:
    levels, regions = maps()[1:2], [boxes(50, seed=1), boxes(50, seed=2)]
    torch.testing.assert_close(cut_out(levels, regions, STRIDES[1:2]), theirs(levels, regions), atol=2e-5, rtol=0)


def test_what_they_teach_goes_back_to_the_same_places() -> None:
    regions = [boxes(60, seed=1), boxes(60, seed=2)]
    wanted = torch.randn(120, 5, 7, 7, generator=torch.Generator().manual_seed(3))
    gradients = []
    for cut in (lambda levels: cut_out(levels, regions, STRIDES), lambda levels: theirs(levels, regions)):
        levels = [level.requires_grad_() for level in maps()]
        (cut(levels) * wanted).sum().backward()
        gradients.append([level.grad for level in levels])
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other, atol=1e-3, rtol=0)
