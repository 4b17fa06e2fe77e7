"""Muon: steps along all directions of a convolution's gradient, and AdamW's for the rest."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from hounsfield.learning.muon import Muon, is_kernel, newton_schulz
from hounsfield.learning.transfer import parameter_groups
from hounsfield.plan import Input, Plan, ResidualChoice, Segmentation, UNetChoice
from hounsfield.plan.network import build_network


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(8, 16, 3), nn.BatchNorm3d(16), nn.Conv3d(16, 2, 1))


@pytest.mark.parametrize("shape", [(16, 432), (64, 32), (8, 8)])
def test_singular_values_become_about_one_and_directions_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    fewer = min(shape)
    one, _ = torch.linalg.qr(torch.randn(shape[0], fewer))
    other, _ = torch.linalg.qr(torch.randn(shape[1], fewer))
    values = torch.logspace(0, -2.3, fewer)
    found = newton_schulz((one * values) @ other.T)
    turned = one.T @ found @ other
    assert ((turned.diagonal() > 0.65) & (turned.diagonal() < 1.25)).all()
    assert (turned - torch.diag(turned.diagonal())).abs().max() < 0.01


def test_kernels_with_enough_maps_are_turned_and_the_rest_learns_by_adamw() -> None:
    ours, theirs = network(), network()
    kernel = ours[0].get_parameter("weight")
    assert [name for name, own in ours.named_parameters() if is_kernel(own)] == ["0.weight"]
    before = kernel.detach().clone()
    images = torch.randn(2, 8, 6, 6, 6)
    for model, optimizer in (
        (ours, Muon(ours.parameters(), lr=0.01, weight_decay=0.0, fused=True)),
        (theirs, torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.0, fused=True)),
    ):
        model(images).square().mean().backward()
        optimizer.step()
    for (name, own), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(own, other) == (name != "0.weight")
    step = (before - kernel.detach()) / 0.01
    assert step.square().mean().sqrt() == pytest.approx(0.2, abs=0.05)  # as long as those of AdamW
    assert torch.linalg.svdvals(step.flatten(1)).std() < 0.2 * torch.linalg.svdvals(step.flatten(1)).mean()
    assert kernel.grad is not None and (kernel.grad * step).sum() > 0


def test_layers_that_give_the_answer_learn_by_adamw() -> None:
    ours, theirs = network(), network()
    optimizers = (
        Muon([{"params": list(ours.parameters()), "hidden": False}], lr=0.01),
        torch.optim.AdamW(theirs.parameters(), lr=0.01),
    )
    images = torch.randn(2, 8, 6, 6, 6)
    for model, optimizer in zip((ours, theirs), optimizers, strict=True):
        model(images).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(own, other) for own, other in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_the_answers_of_a_network_that_outlines_are_told_from_its_layers() -> None:
    labels = tuple(f"label {number}" for number in range(9))
    plan = Plan(
        task="segmentation",
        dataset="volumes",
        classes=("image",),
        input=Input(shape=(16, 16, 16), windows=True, steps=({"step": "rescale"},)),
        network=UNetChoice(encoder=ResidualChoice(widths=(8, 16), blocks=(1, 1))),
        segmentation=Segmentation(labels=labels, numbers=tuple((number + 1,) for number in range(9))),
    )
    model = build_network(plan)
    groups = parameter_groups(model, plan)
    answers = {id(own) for name, own in model.named_parameters() if name.startswith("answers.")}
    assert any(is_kernel(own) for own in model.get_submodule("answers").parameters())
    assert {id(own) for group in groups if not group["hidden"] for own in group["params"]} == answers
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_a_closure_is_called_once_and_its_loss_is_given_back() -> None:
    model, calls = network(), []

    def closure() -> float:
        model.zero_grad()
        loss = model(torch.ones(1, 8, 4, 4, 4)).sum()
        loss.backward()
        calls.append(loss.item())
        return calls[-1]

    optimizer = Muon(model.parameters(), lr=0.01)
    assert [optimizer.step(closure), optimizer.step(closure)] == calls and len(calls) == 2


def test_weights_decay_by_the_rate_and_momentum_goes_on_from_a_saved_state() -> None:
    one = network()
    optimizer = Muon(one.parameters(), lr=0.1, weight_decay=0.5)
    kernel = one[0].get_parameter("weight")
    kernel.grad = torch.zeros_like(kernel)
    before = kernel.detach().clone()
    optimizer.step()
    torch.testing.assert_close(kernel.detach(), before * 0.95)
    kernel.grad = torch.randn_like(kernel)
    optimizer.step()

    other = network()
    other.load_state_dict(one.state_dict())
    resumed = Muon(other.parameters(), lr=0.1, weight_decay=0.5)
    resumed.load_state_dict(deepcopy(optimizer.state_dict()))
    for model, own in ((one, optimizer), (other, resumed)):
        model[0].get_parameter("weight").grad = torch.ones_like(kernel)
        own.step()
    assert torch.equal(one[0].get_parameter("weight"), other[0].get_parameter("weight"))
