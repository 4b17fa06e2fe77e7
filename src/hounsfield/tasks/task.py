"""`Task`: what a network is asked, how its answer is scored against the truth, and what the answer means."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from hounsfield.arrays import FloatArray, VoxelArray


class Task(Protocol):
    """What every task gives to `learning` and `reading`."""

    @property
    def outputs(self) -> int:
        """Length of the network's answer."""
        ...

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """A scalar to make small, of logits (N, outputs) and targets (N, …)."""
        ...

    def decode(self, logits: FloatArray) -> FloatArray:
        """What logits (N, outputs) mean, (N, …): probabilities of classes, or places."""
        ...

    def validation_score(self, logits: FloatArray, targets: VoxelArray) -> float:
        """One figure in [0, 1], larger is better, for the learning curve; NaN when it cannot be had."""
        ...
