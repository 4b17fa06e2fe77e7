"""Instance normalisation: answers and gradients of PyTorch's, in the memory order that it was given."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from hounsfield.networks.instance_norm import InstanceNorm


def both(width: int) -> tuple[InstanceNorm, nn.GroupNorm]:
    ours, plain = InstanceNorm(width), nn.GroupNorm(width, width)
    with torch.no_grad():
        for own in (ours, plain):
            own.weight.copy_(torch.linspace(-1, 2, width))
            own.bias.copy_(torch.linspace(0.5, -1, width))
    return ours, plain


def learned(layer: nn.GroupNorm, maps: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
    """The answer, and the gradients of maps, weights and biases."""
    given = maps.clone(memory_format=torch.preserve_format).requires_grad_()
    answer = layer(given)
    answer.backward(gradient)
    found = (answer.detach(), given.grad, layer.weight.grad, layer.bias.grad)
    assert all(one is not None for one in found)
    return tuple(one for one in found if one is not None)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(8, 6), (4, 5, 6), (3, 1, 2)])
@pytest.mark.parametrize("innermost", [True, False])
def test_answers_and_gradients_are_those_of_pytorch(count: int, shape: tuple[int, ...], innermost: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    maps, gradient = (torch.randn(count, 5, *shape, generator=generator) * 3 + 1 for _ in range(2))
    order = (torch.channels_last if len(shape) == 2 else torch.channels_last_3d) if innermost else None
    if order is not None:
        maps, gradient = (own.contiguous(memory_format=order) for own in (maps, gradient))
    ours, plain = both(5)
    found, wanted = learned(ours, maps, gradient), learned(plain, maps, gradient)
    for own, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)
    if order is not None:
        assert all(own.is_contiguous(memory_format=order) for own in found[:2])


def test_what_is_read_is_what_was_learned() -> None:
    ours, plain = both(4)
    maps = torch.rand(2, 4, 5, 5, 5)
    torch.testing.assert_close(ours.eval()(maps), plain(maps))
    torch.testing.assert_close(ours.train()(maps), plain(maps))
    assert ours.state_dict().keys() == plain.state_dict().keys()


def test_in_half_precision_weights_stay_as_precise() -> None:
    ours, plain = both(4)
    maps = torch.randn(2, 4, 6, 6)
    answer = ours(maps.bfloat16().requires_grad_())
    answer.sum().backward()
    assert answer.dtype == torch.bfloat16 and ours.weight.grad is not None
    assert ours.weight.grad.dtype == torch.float32
    torch.testing.assert_close(answer.float(), plain(maps), rtol=0.02, atol=0.05)
