"""Attention over slices and views: who counts, who was not taken, and what goes in."""

from __future__ import annotations

import pytest
import torch

from hounsfield.errors import ShapeError
from hounsfield.networks.convnet import ConvNet
from hounsfield.networks.multiple_instance import MultipleInstance


def encoder(channels: int = 1) -> ConvNet:
    torch.manual_seed(0)
    return ConvNet(dims=2, channels=channels, outputs=2, widths=(4, 8), pool_after=(1, 2))


def of_views(channels: int = 1) -> MultipleInstance:
    network = MultipleInstance(dims=2, channels=channels, outputs=2, encoder=encoder(channels), over="views")
    return network.eval()


def of_slices(*, stride: int = 1, neighbours: bool = False) -> MultipleInstance:
    own = encoder(3 if neighbours else 1)
    return MultipleInstance(dims=3, channels=1, outputs=2, encoder=own, over="slices", stride=stride).eval()


def test_the_order_of_views_does_not_matter() -> None:
    network, views = of_views(), torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(network(views), network(views.flip(1)))


def test_a_view_that_was_not_taken_changes_nothing() -> None:
    network, views = of_views(), torch.rand(2, 2, 16, 16)
    with_a_gap = torch.cat([views, torch.zeros(2, 1, 16, 16)], dim=1)
    torch.testing.assert_close(network(with_a_gap), network(views))
    assert torch.isfinite(network(torch.zeros(1, 3, 16, 16))).all()


def test_colour_views_keep_their_channels_together() -> None:
    network = of_views(channels=3)
    instances = network.instances(torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 16, 16))
    assert instances[0, :, :, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_every_so_many_slices_are_looked_at_between_their_neighbours() -> None:
    volume = torch.arange(6.0).view(1, 1, 6, 1, 1).expand(1, 1, 6, 16, 16)
    seen = of_slices(stride=2, neighbours=True).instances(volume)
    assert seen[0, :, :, 0, 0].tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 5]]
    assert of_slices().instances(volume)[0, :, :, 0, 0].tolist() == [[0], [1], [2], [3], [4], [5]]


def test_the_answer_is_the_head_of_the_maps() -> None:
    network, volume = of_slices(neighbours=True), torch.rand(2, 1, 5, 16, 16)
    maps = network.feature_maps(volume)
    assert maps.shape == (2, 8, 5, 4, 4)
    torch.testing.assert_close(network(volume), network.head(maps))
    torch.testing.assert_close(network(volume), network.answer(network.pooled(volume)))


def test_it_learns_which_slice_matters() -> None:
    torch.manual_seed(1)
    network = of_slices().train()
    generator = torch.Generator().manual_seed(0)
    volumes = torch.rand(64, 1, 6, 16, 16, generator=generator) * 0.2
    targets = torch.arange(64) % 2
    for number in range(0, 64, 2):
        volumes[number + 1, 0, number % 6, 4:12, 4:12] = 1.0  # one bright slice, anywhere
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(network(volumes), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.eval()(volumes).argmax(dim=1) == targets).float().mean() > 0.9


def test_the_stages_hold_every_parameter_once() -> None:
    network = of_slices()
    inside = [id(p) for stage in network.stages() for module in stage for p in module.parameters()]
    assert sorted(inside) == sorted(id(p) for p in network.parameters())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="slices of 2-D images with 1 channels do not go into an encoder of 2-D"):
        MultipleInstance(dims=2, channels=1, outputs=2, encoder=encoder(), over="slices")
    with pytest.raises(
        ShapeError, match=r"\(N, C, D, H, W\) with C = 1 and at least 4 pixels a side, not \(1, 1, 3, 2, 9"
    ):
        of_slices()(torch.rand(1, 1, 3, 2, 9))
    with pytest.raises(ShapeError, match=r"\(N, views \* C, H, W\) with C = 3"):
        of_views(channels=3)(torch.rand(1, 4, 16, 16))
