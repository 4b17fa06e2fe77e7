"""Networks that locate: what their answers mean, and that each of the three can learn where something is."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.box_regression import BoxRegression, _averaged, laplace_loss
from hounsfield.networks.heatmap import HeatMap, _gaussians
from hounsfield.networks.landmarks import answer_of, numbers_for, read_answer
from hounsfield.networks.policy import Policy, Standing, stepped, windows
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.untouched import Untouched

pytestmark = pytest.mark.usefixtures("one_thread")


def encoder(dims: int) -> ResidualNet:
    return ResidualNet(dims=dims, channels=1, outputs=2, widths=(8, 16), blocks=(1, 1))  # type: ignore[arg-type]


def spots(count: int, dims: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images with a bright spot, and where it is in shares of the sides."""
    shape = (16,) * dims
    generator = torch.Generator().manual_seed(seed)
    truth = 0.15 + 0.7 * torch.rand(count, 1, dims, generator=generator)
    places = torch.stack(torch.meshgrid(*[(torch.arange(16) + 0.5) / 16] * dims, indexing="ij"), dim=-1)
    apart = (places[None] - truth.reshape(count, *[1] * dims, dims)).norm(dim=-1)
    return torch.exp(-((apart * 8) ** 2))[:, None].reshape(count, 1, *shape), truth


def test_an_answer_is_read_as_it_was_written() -> None:
    middles, halves = torch.rand(3, 2, 3), 0.01 + 0.3 * torch.rand(3, 2, 3)

    answers = answer_of(middles, halves)
    again = read_answer(answers, 3)

    assert answers.shape == (3, numbers_for(2, 3))
    torch.testing.assert_close(again[0], middles)
    torch.testing.assert_close(again[1], halves)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("way", ["heat", "numbers"])
def test_a_network_learns_where_a_spot_is(way: str, dims: int) -> None:
    torch.manual_seed(0)
    outputs = numbers_for(1, dims)
    network: nn.Module = (
        HeatMap(dims=dims, channels=1, outputs=outputs, encoder=encoder(dims), stride=1, width=16, sigma=1.0)  # type: ignore[arg-type]
        if way == "heat"
        else BoxRegression(dims=dims, channels=1, outputs=outputs, encoder=encoder(dims), dropout=0.0)  # type: ignore[arg-type]
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    images, truth = spots(32 if dims == 2 else 12, dims)
    for _ in range(60):
        optimizer.zero_grad()
        network(images, Untouched(truth)).backward()
        optimizer.step()

    new, places = spots(16, dims, seed=1)
    with torch.inference_mode():
        middles, halves = read_answer(network.eval()(new), dims)

    pixels = ((middles - places) * 16).norm(dim=2)
    assert float(pixels.median()) < (0.6 if way == "heat" else 3.0)
    assert float(halves.min()) > 0


def test_a_landmark_that_is_not_there_teaches_nothing() -> None:
    network = HeatMap(dims=2, channels=1, outputs=numbers_for(2, 2), encoder=encoder(2), stride=1, width=8).eval()
    images, truth = spots(4, 2)
    both = torch.cat([truth, torch.full_like(truth, torch.nan)], dim=1)
    answers = torch.zeros(4, numbers_for(2, 2))

    loss = network(images, Untouched(both))
    loss.backward()

    assert torch.isfinite(loss)
    last: nn.Conv2d = network.heat.answer  # type: ignore[assignment]
    assert last.weight.grad is not None
    assert float(last.weight.grad[0].abs().max()) > 0
    assert float(last.weight.grad[1].abs().max()) == 0
    assert torch.isfinite(laplace_loss(answers, both))
    torch.testing.assert_close(laplace_loss(answers, both), laplace_loss(answers[:, :4], truth))


def test_the_heat_that_is_wanted_has_its_middle_at_the_landmark() -> None:
    heat = _gaussians(torch.tensor([[[3.2, 10.0]]]), (8, 20), 1.0).reshape(8, 20)
    rows, columns = torch.arange(8) + 0.5, torch.arange(20) + 0.5

    assert float(heat.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float((heat.sum(dim=1) * rows).sum()) == pytest.approx(3.2, abs=0.05)
    assert float((heat.sum(dim=0) * columns).sum()) == pytest.approx(10.0, abs=0.05)


def test_places_are_means_of_equal_parts_of_the_maps() -> None:
    maps = torch.arange(12.0).reshape(1, 1, 12)

    assert _averaged(maps, 2)[0, 0].tolist() == pytest.approx([0.5, 2.5, 4.5, 6.5, 8.5, 10.5])
    assert _averaged(torch.tensor([[[1.0, 3.0]]]), 2)[0, 0].tolist() == pytest.approx([1, 1, 1, 3, 3, 3])


def test_an_encoder_of_other_images_is_refused() -> None:
    with pytest.raises(ShapeError, match="encoder is for 2-D images"):
        HeatMap(dims=3, channels=1, outputs=6, encoder=encoder(2))
    with pytest.raises(ShapeError, match="no maps of every 16 pixels, only of 1, 2"):
        HeatMap(dims=2, channels=1, outputs=4, encoder=encoder(2), stride=16)


def standing(places: list[list[float]], *, scale: int = 1) -> Standing:
    count = len(places)
    zeros = torch.zeros(count, dtype=torch.long)
    return Standing(zeros, zeros, torch.tensor(places), torch.full((count,), scale))


def test_an_agent_sees_the_image_around_it_at_its_scale() -> None:
    image = torch.arange(100.0).reshape(1, 1, 10, 10)

    seen = windows(image, standing([[4.5, 6.5], [0.5, 0.5]]), 3)
    far = windows(image, standing([[4.5, 5.5]], scale=2), 3)

    assert seen[0, 0].tolist() == [[35, 36, 37], [45, 46, 47], [55, 56, 57]]
    assert seen[1, 0].tolist() == [[0, 0, 1], [0, 0, 1], [10, 10, 11]]  # beyond the image its edge goes on
    assert far[0, 0].tolist() == [[23, 25, 27], [43, 45, 47], [63, 65, 67]]


@pytest.mark.parametrize("shape", [(6, 9), (4, 6, 9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_agents_see_all_channels_of_their_own_image(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    dims = len(shape)
    images = torch.rand(3, 2, *shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    places = torch.tensor([[3.5, 4.5, 8.5], [0.5, 5.5, 2.5]])[:, :dims]
    agents = Standing(torch.tensor([2, 1]), torch.zeros(2, dtype=torch.long), places, torch.tensor([1, 4]))

    seen = windows(images, agents, 11)  # larger than the images

    assert seen.shape == (2, 2, *[11] * dims) and seen.dtype == dtype
    for number, (image, scale) in enumerate(((2, 1), (1, 4))):
        for corner in product((0, 4, 10), repeat=dims):
            at = [
                min(max(int(place) + scale * (own - 5), 0), side - 1)
                for place, own, side in zip(places[number].tolist(), corner, shape, strict=True)
            ]
            torch.testing.assert_close(seen[(number, slice(None), *corner)], images[(image, slice(None), *at)])


def test_steps_lead_along_the_axes_and_not_out_of_the_image() -> None:
    agents = standing([[4.5, 2.5]] * 4 + [[0.5, 2.5]], scale=2)

    after = stepped(agents, torch.tensor([0, 1, 2, 3, 0]), torch.tensor([10.0, 5.0]))

    assert after.tolist() == [[2.5, 2.5], [6.5, 2.5], [4.5, 0.5], [4.5, 4.5], [0.5, 2.5]]


def test_an_agent_that_knows_the_way_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(dims=2, channels=1, outputs=numbers_for(2, 2), window=9, scales=(4, 1), steps=10).eval()
    goals = torch.tensor([[10.0, 30.0], [33.0, 7.0]])

    def worth(images: Tensor, agents: Standing) -> Tensor:
        apart = goals[agents.landmark] - agents.place
        return torch.stack([-apart[:, 0], apart[:, 0], -apart[:, 1], apart[:, 1]], dim=1)

    monkeypatch.setattr(policy, "worth", worth)
    middles, halves = read_answer(policy(torch.zeros(2, 1, 40, 40)), 2)

    torch.testing.assert_close(middles * 40, goals.expand(2, 2, 2), atol=1.0, rtol=0)
    assert float((halves * 40).max()) < 3
    walked = policy.walked(torch.zeros(1, 1, 40, 40))
    assert walked.shape[1:] == (1, 5, 2, 2)
    assert set((walked % 1).unique().tolist()) == {0.5}  # always on the middle of a pixel
