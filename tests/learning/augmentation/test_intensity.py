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


def test_a_stain_by_hand() -> None:
    stain = torch.tensor([[2.0, 1.0, 0.5]])
    change = IntensityChange(torch.ones(1), torch.zeros(1), None, stain)
    images = torch.full((1, 3, 2, 2), 0.25)
    changed = change.apply(images)
    assert changed[0, :, 0, 0].tolist() == pytest.approx([0.0625, 0.25, 0.5])
    density = torch.log(changed) / torch.log(images)
    assert density[0, :, 0, 0].tolist() == pytest.approx([2.0, 1.0, 0.5])
    assert torch.isfinite(change.apply(torch.zeros(1, 3, 2, 2))).all()


def test_stains_are_drawn_for_each_colour_and_not_for_grey_images() -> None:
    plan, colour = Augmentation(stain=0.2), torch.Size((500, 3, 4, 4))
    change = draw_intensity(colour, augmentation=plan, generator=torch.Generator().manual_seed(0))
    assert change is not None and change.stain is not None
    density = change.stain.log()
    assert 0.19 < density.abs().max() <= 0.2001
    assert abs(float(torch.corrcoef(density.T)[0, 1])) < 0.15
    grey = draw_intensity(SHAPE, augmentation=plan, generator=torch.Generator().manual_seed(0))
    assert grey is not None and grey.stain is None
