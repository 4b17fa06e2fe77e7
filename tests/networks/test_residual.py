"""Residual networks: sizes, shortcuts that a fresh network passes on, stages."""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
from torch import nn

from hounsfield.errors import ShapeError
from hounsfield.networks.residual import Block, ResidualNet, normalised_by

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("dims", "shape"), [(2, (28, 28)), (2, (33, 47)), (3, (16, 20, 24)), (3, (9, 9, 9))])
def test_images_of_any_size_get_an_answer_and_maps(dims: Literal[2, 3], shape: tuple[int, ...]) -> None:
    network = ResidualNet(dims=dims, channels=1, outputs=3, widths=(4, 8, 16), blocks=(1, 2, 1)).eval()
    images = torch.rand(2, 1, *shape)
    maps = network.feature_maps(images)
    assert maps.shape[:2] == (2, 16)
    assert maps.shape[2:] == tuple(math.ceil(side / 4) for side in shape)
    torch.testing.assert_close(network(images), network.head(maps))
    torch.testing.assert_close(network.pooled(images), maps.mean(dim=tuple(range(2, maps.ndim))))


def test_a_fresh_block_is_its_shortcut() -> None:
    block = Block(2, 4, 4, (1, 1)).eval()
    maps = torch.rand(2, 4, 8, 8)
    torch.testing.assert_close(block(maps), maps)


def test_a_fresh_halving_block_is_the_rectified_projection_of_means_of_squares() -> None:
    block = Block(2, 1, 2, (2, 2)).eval()
    with torch.no_grad():
        block.shortcut[1].weight.copy_(torch.tensor([2.0, -1.0]).view(2, 1, 1, 1))
    maps = torch.tensor([[[[1.0, 3.0, 5.0], [1.0, 3.0, 7.0], [2.0, 4.0, -1.0]]]])
    # means 2, 6, 3, -1: at an odd border of what is there; running mean 0 and variance 1 change nothing but the 1e-5
    expected = [4, 12, 6, 0, 0, 0, 0, 1]
    assert block(maps).flatten().tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_four_images_are_learned_by_heart_in_half_precision(dims: Literal[2, 3]) -> None:
    torch.manual_seed(0)
    network = ResidualNet(dims=dims, channels=1, outputs=2, widths=(8, 16), blocks=(1, 1), dropout=0)
    images, targets = torch.randn(4, 1, *[9] * dims), torch.tensor([0, 1, 1, 0])
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(30):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(images)
        assert logits.dtype == torch.bfloat16
        loss = torch.nn.functional.cross_entropy(logits.float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.05


def test_the_stages_hold_every_parameter_once() -> None:
    network = ResidualNet(dims=2, channels=1, outputs=2, widths=(4, 8), blocks=(1, 1))
    inside = [id(p) for stage in network.stages() for module in stage for p in module.parameters()]
    assert sorted(inside) == sorted(id(p) for p in network.parameters())
    assert network.stages()[-1] == [network.answer]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="2 widths, 1 numbers of blocks"):
        ResidualNet(dims=2, channels=1, outputs=2, widths=(4, 8), blocks=(1,))
    network = ResidualNet(dims=2, channels=1, outputs=2, stem_stride=2)
    assert network.smallest_side == 16
    with pytest.raises(ShapeError, match=r"at least 16 × 16 pixels as \(N, 1, …\), not \(1, 1, 8, 32\)"):
        network(torch.rand(1, 1, 8, 32))


@pytest.mark.parametrize(("dims", "order"), [(2, torch.channels_last), (3, torch.channels_last_3d)])
def test_each_image_is_normalised_alone_and_channels_stay_innermost(
    dims: Literal[2, 3], order: torch.memory_format
) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 6, *[5] * dims).contiguous(memory_format=order)
    layer = normalised_by("instance", dims, 6)
    plain = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}[dims](6, affine=True)
    torch.nn.init.normal_(layer.get_parameter("weight"))
    plain.load_state_dict(layer.state_dict())  # of bundles that were trained with it
    torch.testing.assert_close(layer(maps), plain(maps))
    assert layer(maps).is_contiguous(memory_format=order)
