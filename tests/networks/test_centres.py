"""Lesions found by their centres, flat and in volumes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hounsfield.networks.centres import CentreNet, Everywhere, _apart, _gaussian
from hounsfield.networks.flat import Flat
from hounsfield.networks.found import Truth
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.untouched import Untouched

pytestmark = pytest.mark.usefixtures("one_thread")


def network(dims: int, *, kinds: int = 2) -> CentreNet:
    torch.manual_seed(0)
    encoder = ResidualNet(dims=dims, channels=1, outputs=2, widths=(8, 16), blocks=(1, 1))  # type: ignore[arg-type]
    return CentreNet(dims=dims, channels=1, outputs=kinds + 1, encoder=encoder, stride=2, width=16, most=5)  # type: ignore[arg-type]


def cubes(count: int, dims: int, *, seed: int = 0) -> tuple[Tensor, list[Truth]]:
    """Images of 24 pixels a side with a bright or a dark cube of 5 to 9 pixels."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.5 + 0.02 * torch.randn(count, 1, *[24] * dims, generator=generator)
    truths = []
    for number in range(count):
        sides = torch.randint(5, 10, (dims,), generator=generator)
        low = torch.stack([torch.randint(0, 24 - int(side), (1,), generator=generator)[0] for side in sides])
        box = torch.cat([low, low + sides]).float()
        place = [slice(int(a), int(a + side)) for a, side in zip(low.flip(0), sides.flip(0), strict=True)]
        images[(number, 0, *place)] += 0.4 if number % 2 else -0.4
        truths.append(Truth(box[None], torch.tensor([1 + number % 2])))
    return images, truths


def test_a_place_is_as_warm_as_it_is_likely_to_be_the_centre_of_any_kind() -> None:
    heat = torch.full((1, 2, 4, 6), -20.0)
    heat[0, :, 1, 2], heat[0, 0, 3, 5], heat[0, 1, 3, 5] = 5.0, 0.0, -1.0

    warmth = network(2).warmth(Everywhere(heat, torch.zeros(1, 4, 4, 6)))

    assert float(warmth[0, 1, 2]) == 1.0
    assert float(warmth[0, 3, 5]) == pytest.approx(0.5 + torch.sigmoid(torch.tensor(-1.0)).item())
    assert float(warmth[0, 0, 0]) < 1e-6


@pytest.mark.parametrize("dims", [2, 3])
def test_cubes_are_found_where_they_are_and_called_by_their_kind(dims: int) -> None:
    net = network(dims)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    images, truths = cubes(12, dims)
    for _ in range(50 if dims == 2 else 40):
        optimizer.zero_grad()
        losses = net(images, Untouched(truths))
        losses.sum().backward()
        optimizer.step()

    new, places = cubes(6, dims, seed=1)
    with torch.inference_mode():
        found = net.eval()(new)

    assert losses.shape == (2,)
    for one, truth in zip(found, places, strict=True):
        assert len(one.boxes) >= 1 and one.boxes.shape[1] == 2 * dims
        assert one.probabilities[0].tolist().index(float(one.probabilities[0].max())) == int(truth.kinds[0]) - 1
        apart = (one.boxes[0] - truth.boxes[0]).abs()
        assert float(apart.mean()) < 2.0
        assert float(one.probabilities.sum(dim=1).max()) <= 1.0 + 1e-5


@pytest.mark.parametrize("dims", [2, 3])
def test_every_place_near_a_centre_says_where_it_is_and_how_long_the_sides_are(dims: int) -> None:
    net = network(dims, kinds=1)
    low, high = torch.tensor([4.0, 6.0, 8.0][:dims]), torch.tensor([16.0, 30.0, 18.0][:dims])
    truth = Truth(torch.cat([low, high])[None], torch.tensor([1]))
    shape = (16,) * dims
    middles = torch.stack(torch.meshgrid(*[torch.arange(16.0)] * dims, indexing="ij")).flip(0) + 0.5  # x, y (, z)
    centre, sides = (low + high) / 4, (high - low) / 2
    around = (slice(None), *[None] * dims)
    right = torch.cat([centre[around] - middles, torch.log(sides)[around].expand_as(middles)])[None]
    heat = torch.zeros(1, 1, *shape)

    exact = net.losses(Everywhere(heat, right), [truth], (32,) * dims)
    wrong = right.clone()
    place = tuple(int(c) for c in centre.flip(0))
    beside = (*place[:-2], place[-2] + 1, place[-1])  # one more along y, the longest side
    wrong[(0, slice(None), *beside)] += 1
    far = right.clone()
    far[(0, slice(None), *[15] * dims)] += 1

    assert float(exact[1]) == pytest.approx(0, abs=1e-6)
    assert float(net.losses(Everywhere(heat, wrong), [truth], (32,) * dims)[1]) > 0.01
    assert float(net.losses(Everywhere(heat, far), [truth], (32,) * dims)[1]) == pytest.approx(0, abs=1e-6)


def test_the_loss_of_places_is_least_where_each_is_as_likely_as_it_is_near() -> None:
    net = network(2, kinds=1)
    truth = Truth(torch.tensor([[4.0, 6.0, 16.0, 30.0]]), torch.tensor([1]))
    near = _gaussian([9, 5], torch.tensor([12.0, 6.0]), (16, 16))[None, None]
    numbers = torch.zeros(1, 4, 16, 16)

    def loss(likely: Tensor) -> float:
        return float(net.losses(Everywhere(torch.logit(likely, eps=1e-6), numbers), [truth], (32, 32))[0])

    assert loss(near) < 1e-3
    assert loss(near * 0.5) > 0.1
    assert loss((near == 1).float()) > 0.1


def test_the_same_is_found_from_a_row_of_numbers() -> None:
    nets = [network(3).eval(), network(3).eval()]
    flat = Flat(nets, shape=(24, 24, 24))
    images = cubes(2, 3)[0]

    with torch.inference_mode():
        rows = flat(images)
        again = flat.found(rows)
        expected = [net(images) for net in nets]

    for own, wanted in zip(again, expected, strict=True):
        for one, other in zip(own, wanted, strict=True):
            torch.testing.assert_close(one.boxes, other.boxes)
            torch.testing.assert_close(one.probabilities, other.probabilities)


def test_an_image_without_a_lesion_teaches_that_there_is_none() -> None:
    net = network(2)
    nothing = Truth(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))

    losses = net(torch.rand(2, 1, 24, 24), Untouched([nothing, nothing]))
    losses.sum().backward()

    centres, sides = losses.tolist()
    assert centres > 0 and sides == 0


def test_places_near_a_centre_count_as_nearly_one_along_each_axis() -> None:
    heat = _gaussian([2, 5], torch.tensor([6.0, 18.0]), (8, 12))

    assert float(heat[2, 5]) == 1.0
    assert float(heat[3, 5]) == pytest.approx(float(torch.exp(torch.tensor(-0.5))))  # one sixth of 6
    assert float(heat[2, 8]) == pytest.approx(float(torch.exp(torch.tensor(-0.5))))  # one sixth of 18
    assert float(heat[0, 0]) < 0.1


def test_of_findings_that_overlap_the_surest_stays() -> None:
    boxes = torch.tensor(
        [[0.0, 0, 0, 10, 10, 10], [1, 1, 1, 11, 11, 11], [8, 8, 8, 18, 18, 18], [30, 30, 30, 30.5, 40, 40]]
    )

    assert _apart(boxes, 0.3) == [0, 2]  # the last is thinner than a pixel
    assert _apart(boxes, 0.9) == [0, 1, 2]


def test_findings_lie_on_the_image() -> None:
    net = network(2).eval()
    heat = torch.full((1, 2, 12, 12), -9.0)
    heat[0, 0, 0, 11] = 4.0
    boxes = torch.zeros(1, 4, 12, 12)
    boxes[0, 2:, 0, 11] = torch.log(torch.tensor(4.0))

    (found,) = net.findings(Everywhere(heat, boxes), (24, 24))

    assert found.boxes[0].tolist() == pytest.approx([19.0, 0.0, 24.0, 5.0])
    assert found.probabilities[0].tolist() == pytest.approx([0.982, 0.0], abs=1e-3)
