"""One module answers what members, mirrored copies and calibration give by hand."""

from __future__ import annotations

import itertools

import pytest
import torch

from hounsfield.networks.answering import Answering, mirrors
from hounsfield.networks.convnet import ConvNet


def members(dims: int, count: int) -> list[ConvNet]:
    torch.manual_seed(0)
    return [ConvNet(dims=dims, channels=1, outputs=3, widths=(4, 6), pool_after=(1,)).eval() for _ in range(count)]  # type: ignore[arg-type]


def test_mirrors_are_all_choices_of_axes_and_begin_with_none() -> None:
    assert mirrors(()) == [()]
    assert mirrors((0, 2)) == [(), (0,), (2,), (0, 2)]


@pytest.mark.parametrize(("dims", "axes"), [(2, ()), (2, (1,)), (2, (0, 1)), (3, (0, 2))])
def test_members_and_mirrored_copies_are_averaged(dims: int, axes: tuple[int, ...]) -> None:
    networks = members(dims, 2)
    images = torch.randn(3, 1, *([8] * dims))
    answers = []
    for network in networks:
        for chosen in itertools.product((False, True), repeat=len(axes)):
            turned = [axis + 2 for axis, turn in zip(axes, chosen, strict=True) if turn]
            answers.append(network(images.flip(turned)))
    found = Answering(networks, flip_axes=axes).eval()(images)
    torch.testing.assert_close(found, torch.stack(answers).mean(dim=0), rtol=0, atol=1e-6)


def test_calibration_comes_after_the_mean_and_probabilities_sum_to_one() -> None:
    networks = members(2, 2)
    images = torch.randn(4, 1, 8, 8)
    logits = torch.stack([network(images) for network in networks]).mean(dim=0) * 0.5 + torch.tensor([0.1, 0.2, -0.3])
    answering = Answering(networks, scale=0.5, offset=(0.1, 0.2, -0.3), softmax=True).eval()
    torch.testing.assert_close(answering(images), torch.softmax(logits, dim=1), rtol=0, atol=1e-6)
