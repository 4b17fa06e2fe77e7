"""Gradients in parts are the plain convolution's."""

import copy

import pytest
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

from hounsfield.networks.depthwise import DepthwiseConv2d, speed_up_depthwise

LAYERS = [(5, 1, 2), (5, 2, 2), (5, 2, 1), (7, 1, 3), (7, 4, 3), (4, 1, 1), (3, 2, 1), (5, 3, 0)]


def pair(side: int, stride: int, padding: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(6, 6, side, stride=stride, padding=padding, groups=6))
    parts = copy.deepcopy(plain)
    assert speed_up_depthwise(parts) == 1
    assert isinstance(parts[0], DepthwiseConv2d)
    return plain, parts


def gradients(network: nn.Module, images: Tensor) -> list[Tensor]:
    images = images.clone().requires_grad_()
    answer = network(images)
    answer.float().backward(torch.linspace(-1, 1, answer.numel()).view(answer.shape))
    assert images.grad is not None
    return [answer.detach(), images.grad, *(p.grad for p in network.parameters() if p.grad is not None)]


@pytest.mark.parametrize(("side", "stride", "padding"), LAYERS)
def test_answers_and_gradients_are_those_of_the_plain_layer(side: int, stride: int, padding: int) -> None:
    images = torch.rand(2, 6, 17, 14)
    for plain, parts in zip(*(gradients(network, images) for network in pair(side, stride, padding)), strict=True):
        torch.testing.assert_close(parts, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("side", "stride", "padding"), LAYERS)
def test_in_bfloat16_they_are_as_near_as_its_steps(side: int, stride: int, padding: int) -> None:
    images = torch.rand(2, 6, 17, 14)
    plain, parts = pair(side, stride, padding)
    expected = gradients(plain, images)
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(parts, images)
    assert found[0].dtype == torch.bfloat16
    for exact, near in zip(expected, found, strict=True):
        assert float((near.float() - exact).abs().max()) < 0.03 * float(exact.abs().max())


@pytest.mark.parametrize("size", [(17, 14), (16, 12)])
@pytest.mark.parametrize("side", [3, 5])
def test_padding_as_tensorflow_does_is_kept(side: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(Conv2dSame(6, 6, side, stride=2, groups=6))
    parts = copy.deepcopy(plain)
    assert speed_up_depthwise(parts) == 1
    images = torch.rand(2, 6, *size)
    for exact, near in zip(gradients(plain, images), gradients(parts, images), strict=True):
        torch.testing.assert_close(near, exact, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(parts.eval()(images), plain(images))


def test_other_layers_stay_as_they_are() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 5, padding=2), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 8, 5, dilation=2, groups=8)
    )
    assert speed_up_depthwise(network) == 0


def test_in_reading_nothing_is_recorded() -> None:
    _, parts = pair(5, 1, 2)
    images = torch.rand(1, 6, 9, 9)
    with torch.inference_mode():
        torch.testing.assert_close(parts(images), parts.eval()(images))
