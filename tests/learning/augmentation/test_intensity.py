"""Brightness, contrast and noise by hand and within their limits."""

import pytest
import torch

from hounsfield.learning.augmentation import IntensityChange, draw_intensity
from hounsfield.plan import Augmentation

SHAPE = torch.Size((500, 1, 4, 4))


def drawn(seed: int = 0, **limits: float) -> IntensityChange | None:
    return draw_intensity(SHAPE, augmentation=Augmentation(**limits), generator=torch.Generator().manual_seed(seed))


def test_a_change_by_hand() -> None:
    change = IntensityChange(torch.tensor([2.0, 1.0]), torch.tensor([0.5, -1.0]), None)
    images = torch.ones(2, 1, 2, 2)
    assert change.apply(images)[:, 0, 0, 0].tolist() == [2.5, 0.0]
    noisy = IntensityChange(torch.ones(2), torch.zeros(2), torch.full((2, 1, 2, 2), 0.25))
    assert noisy.apply(images).unique().tolist() == [1.25]


def test_volumes_are_changed_too() -> None:
    change = IntensityChange(torch.tensor([3.0]), torch.tensor([0.0]), None)
    assert change.apply(torch.ones(1, 2, 3, 4, 5)).unique().tolist() == [3.0]


def test_nothing_asked_for_is_nothing_drawn() -> None:
    assert drawn() is None


@pytest.mark.parametrize("name", ["gain", "bias", "noise"])
def test_each_is_drawn_alone_and_within_its_limit(name: str) -> None:
    change = drawn(**{name: 0.2})
    assert change is not None
    gain, bias = (change.gain - 1).abs().max().item(), change.bias.abs().max().item()
    assert (0.19 < gain <= 0.2001) == (name == "gain")
    assert (0.19 < bias <= 0.2) == (name == "bias")
    assert (change.noise is not None) == (name == "noise")
    if change.noise is not None:
        strength = change.noise.std(dim=(1, 2, 3))
        assert strength.min() < 0.02 < 0.15 < strength.max() < 0.4


def test_the_same_generator_draws_the_same() -> None:
    first, second, other = (drawn(seed, gain=0.1, bias=0.1, noise=0.1) for seed in (1, 1, 2))
    images = torch.ones(SHAPE)
    assert first is not None and second is not None and other is not None
    assert first.apply(images).equal(second.apply(images))
    assert not first.apply(images).equal(other.apply(images))
