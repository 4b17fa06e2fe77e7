"""Convolutional recurrent cells, and their way through a volume plane by plane.

A cell looks at a plane's maps and at what it has kept of the planes before, both through convolutions, and its gates
decide what it keeps now. It goes along one axis of a volume in one direction; where it is to know of what lies on both
sides, or along the other axes, further cells go there, and what all of them keep is summed.

The gates are those of `torch.nn.GRU` and `torch.nn.LSTM`, in their order. The GRU's reset gate acts on what the
convolution made of the state, where Cho 2014 has it act on the state before that, so that a step takes one convolution;
the LSTM has a forget gate, which came in 2000, and no peepholes.

Reference:
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), arXiv:1406.1078 (GRU);
    Hochreiter, Schmidhuber, "Long short-term memory" (1997), doi:10.1162/neco.1997.9.8.1735 (input and output gate);
    Gers, Schmidhuber, Cummins, "Learning to forget" (2000), doi:10.1162/089976600300015015 (forget gate); Ballas et
    al., "Delving deeper into convolutional networks for learning video representations" (2016), arXiv:1511.06432
    (convolutional GRU); Shi et al., "Convolutional LSTM network" (2015), arXiv:1506.04214; Andermatt, Pezold, Cattin,
    "Multi-dimensional gated recurrent units for the segmentation of biomedical 3D-data", LNCS 10008 (2016) 142-151 (the
    sum over axes and directions).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn

Gates = Literal["gru", "lstm"]

PARTS: dict[Gates, tuple[str, ...]] = {
    "gru": ("reset", "update", "candidate"),
    "lstm": ("input", "forget", "candidate", "output"),
}
"""What a cell's convolutions make, `width` maps each, in torch's order: its gates, and the candidate for the state."""

State = tuple[Tensor, ...]
"""What a cell keeps, each (N, width, h, w): the hidden state, which is what it says, and of an LSTM the cell state."""


class Cell(nn.Module):
    """A convolutional GRU or LSTM."""

    def __init__(self, gates: Gates, before: int, width: int, *, kernel: int = 3) -> None:
        """Make the layers; their weights are drawn from torch's generator.

        Args:
            gates: Which of the two.
            before: Maps of a plane.
            width: Maps that the cell keeps.
            kernel: Side of the convolutions, an odd number.
        """
        super().__init__()
        self.gates, self.width = gates, width
        parts = len(PARTS[gates])
        self.look = nn.Conv2d(before, parts * width, kernel, padding=kernel // 2)
        self.remember = nn.Conv2d(width, parts * width, kernel, padding=kernel // 2)

    def forward(self, looked: Tensor, state: State) -> State:
        """What is kept after a plane.

        Args:
            looked: What `look` made of the plane, (N, parts * width, h, w).
            state: What was kept before it.
        """
        remembered = self.remember(state[0])
        if self.gates == "gru":
            return (_gru(looked, remembered, state[0]),)
        return _lstm(looked + remembered, state[1])

    def begin(self, looked: Tensor) -> State:
        """Nothing, to go on from with the first plane."""
        nothing = torch.zeros_like(looked[:, : self.width])
        return (nothing,) if self.gates == "gru" else (nothing, nothing)


def _gru(looked: Tensor, remembered: Tensor, hidden: Tensor) -> Tensor:
    """The next hidden state (N, width, h, w), of what the convolutions made of a plane and of the hidden state before
    it, (N, 3 * width, h, w) each.

    Where the update gate is 1 the state stays; the reset gate at 0 makes the candidate of the plane alone.
    """
    seen, known = looked.chunk(3, dim=1), remembered.chunk(3, dim=1)
    reset_gate, update_gate = (torch.sigmoid(seen[gate] + known[gate]) for gate in (0, 1))
    candidate = torch.tanh(seen[2] + reset_gate * known[2])
    return candidate + update_gate * (hidden - candidate)  # (1 - update) * candidate + update * hidden


def _lstm(joined: Tensor, cell: Tensor) -> State:
    """The next hidden and cell state (N, width, h, w), of what the convolutions made of a plane and of the hidden state
    before it, added up, (N, 4 * width, h, w), and of the cell state before it.

    The forget gate is the share of the cell state that stays, the input gate that of the candidate that is added, the
    output gate that of the sum which is said.
    """
    input_gate, forget_gate, candidate, output_gate = joined.chunk(4, dim=1)
    cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
    return torch.sigmoid(output_gate) * torch.tanh(cell), cell


class Sweep(nn.Module):
    """A cell's way through a volume along one axis."""

    def __init__(self, cell: Cell, *, axis: int, backwards: bool = False) -> None:
        """Send `cell` along an axis.

        Args:
            cell: The cell.
            axis: 0, from slice to slice; 1, from row to row; 2, from column to column.
            backwards: Whether it begins at the last plane.
        """
        super().__init__()
        self.cell, self.axis, self.backwards = cell, axis, backwards

    def forward(self, volumes: Tensor) -> Tensor:
        """What the cell says at every plane, (N, width, D, H, W), of volumes (N, C, D, H, W)."""
        planes = volumes.movedim(self.axis + 2, 1)
        count = planes.shape[1]
        looked = self.cell.look(planes.flatten(0, 1))
        looked = looked.reshape(-1, count, *looked.shape[1:])
        state, said = self.cell.begin(looked[:, 0]), []
        for place in reversed(range(count)) if self.backwards else range(count):
            state = self.cell(looked[:, place], state)
            said.append(state[0])
        if self.backwards:
            said.reverse()
        return torch.stack(said, dim=1).movedim(1, self.axis + 2)


class Sweeps(nn.Module):
    """Cells that go along some axes of a volume, each forth and another back; what they say is summed."""

    def __init__(
        self, gates: Gates, before: int, width: int, *, axes: Sequence[int] = (0,), bidirectional: bool = True
    ) -> None:
        """A cell for each axis and direction.

        Args:
            gates: Of the cells, as are the next two.
            before: Maps of a volume.
            width: Maps that each cell keeps.
            axes: As for `Sweep`.
            bidirectional: Whether cells go back too.
        """
        super().__init__()
        ways = (False, True) if bidirectional else (False,)
        self.sweeps = nn.ModuleList(
            Sweep(Cell(gates, before, width), axis=axis, backwards=back) for axis in axes for back in ways
        )

    def forward(self, volumes: Tensor) -> Tensor:
        """(N, width, D, H, W) of volumes (N, C, D, H, W)."""
        total: Tensor = reduce(torch.add, (sweep(volumes) for sweep in self.sweeps))
        return total
