"""Faster R-CNN: against torchvision's own where both mean the same, and that it learns to find."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.detection._utils import BoxCoder

from hounsfield.errors import ShapeError
from hounsfield.networks.build import build_from
from hounsfield.networks.found import Truth
from hounsfield.networks.regions import moved, moves_to
from hounsfield.networks.untouched import Untouched

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL: dict[str, Any] = {
    "name": "faster_rcnn",
    "strides": (4, 8),
    "width": 16,
    "anchor_sides": ((12.0,), (24.0,)),
    "anchor_ratios": (1.0,),
    "head_width": 32,
    "regions": 32,
    "encoder": {"name": "convnet", "widths": (8, 16, 16), "pool_after": (1, 2, 3)},
}


def network(**changed: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_from(SMALL | changed, dims=2, channels=1, outputs=3)


def squares(count: int, seed: int = 0) -> tuple[torch.Tensor, list[Truth]]:
    """Noise with a bright square of 12 pixels (the first kind) or a dark one (the second)."""
    generator = torch.Generator().manual_seed(seed)
    images = 0.5 + 0.1 * torch.randn(count, 1, 64, 48, generator=generator)
    truths = []
    for number in range(count):
        x, y = (int(torch.randint(2, limit, (), generator=generator)) for limit in (34, 50))
        kind = number % 2
        images[number, 0, y : y + 12, x : x + 12] += 0.8 if kind == 0 else -0.8
        truths.append(Truth(torch.tensor([[x, y, x + 12.0, y + 12.0]]), torch.tensor([kind + 1])))
    return images, truths


def test_moves_of_boxes_are_those_of_torchvision() -> None:
    generator = torch.Generator().manual_seed(0)
    low, high = torch.rand(2, 30, 2, generator=generator) * 50
    boxes, goals = (torch.cat([low, low + 5 + 20 * torch.rand(30, 2, generator=generator)], dim=1) for _ in range(2))
    coder = BoxCoder((10.0, 10.0, 5.0, 5.0))

    moves = moves_to(boxes, goals)

    torch.testing.assert_close(moves, coder.encode_single(goals, boxes))
    torch.testing.assert_close(moved(boxes, moves), coder.decode_single(moves, boxes))
    torch.testing.assert_close(moved(boxes, moves), goals)


def test_it_learns_to_find_two_kinds_and_to_say_nothing_where_there_is_none() -> None:
    net = network()
    images, truths = squares(16)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    net.train()
    for _ in range(60):
        optimizer.zero_grad()
        losses = net(images, Untouched(truths))
        losses.sum().backward()
        optimizer.step()
    net.eval()
    fresh, expected = squares(8, seed=1)
    with torch.no_grad():
        found = net(fresh)
        nothing = net(torch.full((1, 1, 64, 48), 0.5))
    for one, truth in zip(found, expected, strict=True):
        middle = (one.boxes[0, :2] + one.boxes[0, 2:]) / 2
        assert float((middle - truth.boxes[0, :2] - 6).abs().max()) < 4
        assert int(one.probabilities[0].argmax()) + 1 == int(truth.kinds[0])
        assert float(one.probabilities[0].sum()) > 0.5
    assert float(nothing[0].probabilities.sum(dim=1).max()) < 0.5


def test_the_surest_finding_comes_first_and_none_is_said_twice() -> None:
    from torchvision.ops import box_iou

    net = network(most=7, overlap=0.3).eval()
    with torch.no_grad():
        found = net(squares(2)[0])
    for one in found:
        scores = one.probabilities.sum(dim=1)
        assert len(scores) <= 7
        assert bool((scores[:-1] >= scores[1:]).all())
        apart = box_iou(one.boxes, one.boxes) - torch.eye(len(scores))
        assert float(apart.max()) <= 0.3
        assert float(one.boxes.min()) >= 0 and float(one.boxes[:, 2].max()) <= 48 and float(one.boxes[:, 3].max()) <= 64


def test_images_without_a_lesion_teach_too() -> None:
    net = network().train()
    nothing = Truth(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))

    losses = net(squares(2)[0], Untouched([nothing, nothing]))
    losses.sum().backward()

    assert losses.shape == (4,)
    assert torch.isfinite(losses).all()
    assert losses.detach()[[1, 3]].tolist() == [0, 0]  # no box to move


@pytest.mark.parametrize(
    "encoder", [{"name": "pretrained"}, {"name": "residual", "widths": (8, 8, 8, 8, 8, 8), "blocks": (1,) * 6}]
)
def test_any_encoder_gives_maps_of_several_resolutions(encoder: dict[str, Any]) -> None:
    net = network(encoder=encoder, strides=(8, 16, 32), anchor_sides=((16.0,), (32.0,), (64.0,))).eval()

    with torch.no_grad():
        dense = net.dense(torch.rand(1, 1, 96, 64))

    assert [tuple(maps.shape[2:]) for maps in dense.maps] == [(12, 8), (6, 4), (3, 2)]
    assert len(net.stages()) > 2
    parameters = {id(p) for stage in net.stages() for module in stage for p in module.parameters()}
    assert parameters >= {id(p) for p in net.answer.parameters()} | {id(p) for p in net.pyramid.parameters()}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"strides": (4, 64)}, "no maps of every 64 pixels"),
        ({"anchor_sides": ((12.0,),)}, "2 strides need anchor sides each, not 1"),
        ({"anchor_sides": ((12.0, 16.0), (24.0,))}, "as many anchor sides"),
    ],
)
def test_choices_that_do_not_fit_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        network(**changed)


def test_volumes_are_refused() -> None:
    with pytest.raises(ShapeError, match="flat images"):
        build_from(SMALL, dims=3, channels=1, outputs=2)
