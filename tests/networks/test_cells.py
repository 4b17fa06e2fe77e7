"""Recurrent cells: by hand, beside torch's own, and on their way through a volume."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hounsfield.networks.cells import PARTS, Cell, Gates, Sweep, Sweeps

pytestmark = pytest.mark.usefixtures("one_thread")


def cell(gates: Gates = "gru", before: int = 2, width: int = 3, kernel: int = 3) -> Cell:
    torch.manual_seed(0)
    return Cell(gates, before, width, kernel=kernel)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def set_all(layer: nn.Conv2d, weight: float, bias: list[float]) -> None:
    with torch.no_grad():
        layer.weight.fill_(weight)
        assert layer.bias is not None
        layer.bias.copy_(torch.tensor(bias))


def test_a_gru_by_hand() -> None:
    own = cell("gru", 1, 1, kernel=1)
    set_all(own.look, 1.0, [0.5, -0.5, 0.0])
    set_all(own.remember, 2.0, [0.0, 0.0, 0.25])
    (kept,) = own(own.look(torch.full((1, 1, 1, 1), 0.3)), (torch.full((1, 1, 1, 1), 0.4),))
    reset, update = sigmoid(0.3 + 0.5 + 0.8), sigmoid(0.3 - 0.5 + 0.8)
    candidate = math.tanh(0.3 + reset * (0.8 + 0.25))
    assert kept.item() == pytest.approx((1 - update) * candidate + update * 0.4)


def test_an_lstm_by_hand() -> None:
    own = cell("lstm", 1, 1, kernel=1)
    set_all(own.look, 1.0, [0.1, 0.2, 0.3, 0.4])
    set_all(own.remember, 2.0, [0.0] * 4)
    one = torch.ones(1, 1, 1, 1)
    hidden, state = own(own.look(0.3 * one), (0.4 * one, -0.6 * one))
    input_gate, forget_gate, candidate, output_gate = (0.3 + 0.8 + bias for bias in (0.1, 0.2, 0.3, 0.4))
    wanted = sigmoid(forget_gate) * -0.6 + sigmoid(input_gate) * math.tanh(candidate)
    assert state.item() == pytest.approx(wanted)
    assert hidden.item() == pytest.approx(sigmoid(output_gate) * math.tanh(wanted))


def stepped(gates: Gates, hidden: float, *more: float, **wide_open: bool) -> tuple[float, ...]:
    """What is kept of a plane of 0.3 where some parts are forced open, or shut, and what the others are told is 0.3."""
    own = cell(gates, 1, 1, kernel=1)
    set_all(own.look, 1.0, [60.0 * (2 * wide_open[part] - 1) if part in wide_open else 0.0 for part in PARTS[gates]])
    set_all(own.remember, 1.0, [0.0] * len(PARTS[gates]))
    one = torch.ones(1, 1, 1, 1)
    return tuple(kept.item() for kept in own(own.look(0.3 * one), tuple(kept * one for kept in (hidden, *more))))


def test_the_gates_of_a_gru_do_what_their_names_say() -> None:
    assert stepped("gru", 0.4, update=True) == pytest.approx((0.4,))
    assert stepped("gru", 0.4, update=False, reset=False) == pytest.approx((math.tanh(0.3),))
    assert stepped("gru", 0.4, update=False, reset=True) == pytest.approx((math.tanh(0.3 + 0.4),))


def test_the_gates_of_an_lstm_do_what_their_names_say() -> None:
    told = math.tanh(0.3 + 0.4)
    assert stepped("lstm", 0.4, -0.6, input=False, forget=True, output=True) == pytest.approx((math.tanh(-0.6), -0.6))
    assert stepped("lstm", 0.4, -0.6, input=True, forget=False, output=True) == pytest.approx((math.tanh(told), told))
    said, both = stepped("lstm", 0.4, -0.6, input=True, forget=True, output=False)
    assert (said, both) == pytest.approx((0.0, told - 0.6), abs=1e-6)


@pytest.mark.parametrize("gates", ["gru", "lstm"])
@pytest.mark.parametrize("backwards", [False, True])
def test_on_single_pixels_it_is_torchs_own(gates: Gates, backwards: bool) -> None:
    own = cell(gates, 2, 3, kernel=1)
    theirs = {"gru": nn.GRU, "lstm": nn.LSTM}[gates](2, 3, batch_first=True)
    with torch.no_grad():
        for layer, end in ((own.look, "ih_l0"), (own.remember, "hh_l0")):
            getattr(theirs, f"weight_{end}").copy_(layer.weight[:, :, 0, 0])
            getattr(theirs, f"bias_{end}").copy_(layer.bias)
    volumes = torch.randn(4, 2, 7, 1, 1)
    found = Sweep(own, axis=0, backwards=backwards)(volumes)
    steps = volumes[..., 0, 0].transpose(1, 2)
    wanted = theirs(steps.flip(1) if backwards else steps)[0]
    wanted = wanted.flip(1) if backwards else wanted
    torch.testing.assert_close(found[..., 0, 0].transpose(1, 2), wanted)


def changed(network: nn.Module, volumes: Tensor, place: tuple[int, ...]) -> Tensor:
    """Where another value at one voxel, (d, h, w), changes the answer of all voxels (d, h, w)."""
    other = volumes.clone()
    other[(slice(None), slice(None), *place)] += 1
    apart: Tensor = (network(other) - network(volumes)).abs().amax(dim=(0, 1)) > 1e-7
    return apart


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_sweep_knows_of_what_lies_behind_it_and_of_nothing_before_it(axis: int) -> None:
    volumes = torch.randn(2, 2, 5, 6, 7)
    middle = 2
    for backwards in (False, True):
        apart = changed(Sweep(cell(), axis=axis, backwards=backwards), volumes, (middle,) * 3)
        along = apart.amax(dim=tuple(other for other in range(3) if other != axis))
        places = torch.arange(len(along))
        assert torch.equal(along, places <= middle if backwards else places >= middle)


def test_both_directions_see_all_slices_and_one_those_before() -> None:
    volumes = torch.randn(1, 2, 4, 5, 5)
    for both in (True, False):
        torch.manual_seed(0)
        apart = changed(Sweeps("gru", 2, 3, bidirectional=both), volumes, (3, 2, 2))
        assert apart[:, 2, 2].tolist() == [both, both, both, True]
        assert apart[3, 2, 2]


def test_planes_of_any_axis_are_gone_through_alike() -> None:
    own = cell()
    volumes = torch.randn(2, 2, 4, 5, 6)
    along = Sweep(own, axis=0)(volumes)
    for axis in (1, 2):
        turned = volumes.movedim(2, axis + 2)
        torch.testing.assert_close(Sweep(own, axis=axis)(turned).movedim(axis + 2, 2), along)


def test_mirrored_volumes_are_answered_mirrored_where_both_directions_share_their_weights() -> None:
    torch.manual_seed(0)
    sweeps = Sweeps("gru", 2, 3, axes=(0, 1, 2))
    assert len(sweeps.sweeps) == 6
    alike = sweeps.sweeps[0].cell
    for kernel in (alike.look.weight, alike.remember.weight):
        with torch.no_grad():
            kernel.copy_((kernel + kernel.flip(2) + kernel.flip(3) + kernel.flip(2, 3)) / 4)
    for sweep in sweeps.sweeps:
        sweep.cell = alike
    volumes = torch.randn(1, 2, 3, 4, 5)
    said = sweeps(volumes)
    for axes in ((2,), (3,), (4,), (2, 4), (2, 3, 4)):
        torch.testing.assert_close(sweeps(volumes.flip(axes)), said.flip(axes))
    one_way = Sweeps("gru", 2, 3, axes=(0,), bidirectional=False)
    assert not torch.allclose(one_way(volumes.flip(2)), one_way(volumes).flip(2))


def test_what_a_multi_dimensional_gru_says_is_the_sum_of_its_sweeps() -> None:
    torch.manual_seed(0)
    sweeps, volumes = Sweeps("lstm", 2, 3, axes=(0, 1, 2)), torch.randn(2, 2, 3, 4, 5)
    wanted = torch.stack([sweep(volumes) for sweep in sweeps.sweeps]).sum(dim=0)
    torch.testing.assert_close(sweeps(volumes), wanted)
