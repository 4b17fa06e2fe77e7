"""`Lesson`: what a network is taught from prepared cases, and how it is examined: what every task gives to the loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.evaluation.evidence import OutlinedImage
from hounsfield.learning.auxiliary import WithHeads
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.packed import PackedMask
from hounsfield.plan import Plan
from hounsfield.tasks.detection import Findings
from hounsfield.tasks.task import Task


@dataclass(frozen=True, eq=False)
class Setup:
    """What a fit works with."""

    fabric: Fabric
    network: nn.Module
    """As it was built; its weights are those of `with_heads` and `wrapped`."""
    with_heads: WithHeads
    """The network and its auxiliary heads."""
    wrapped: nn.Module
    """Fabric's view of both: places them on the device and runs them in the plan's precision."""
    optimizer: torch.optim.Optimizer


@dataclass(frozen=True)
class Exam:
    """How a network did on rows that it does not learn from."""

    loss: float
    score: float
    """In [0, 1], larger is better; NaN when it cannot be had."""
    dead: bool
    """Whether it answers the same to every image: its units have died, and no gradient wakes them."""


@dataclass(frozen=True, eq=False)
class Outlined:
    """What a network outlined on an image, on its grid as stored."""

    result: OutlinedImage
    """How well."""
    outline: PackedMask


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of rows that it did not learn from."""

    logits: FloatArray
    """(n, outputs), of each case as a whole."""
    found: tuple[Findings, ...] = ()
    """On each, in pixels of the plan's input, where something is looked for."""
    outlined: tuple[Outlined, ...] = ()
    """On each, where labels are outlined."""


class Lesson(Protocol):
    """What a network is taught, and how it is examined."""

    @property
    def task(self) -> Task:
        """What is asked."""
        ...

    @property
    def inputs(self) -> Inputs:
        """The prepared cases."""
        ...

    def expect(self, network: nn.Module, plan: Plan, rows: IntArray) -> None:
        """Before anything is learned: let answers begin at what is common on these rows, where that is far from 0."""
        ...

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from one batch of rows, changed by chance; the loss of its answers, a scalar on the CPU."""
        ...

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """How the network does on some rows as they are."""
        ...

    def together(self, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
        """Each row once, in rising order, with what the networks that did not learn from it say together.

        Args:
            plan: The choices.
            networks: Taken one by one; those that are not held need not be in memory together.
            rows: Of each network those that it did not learn from.
        """
        ...

    def require_enough(self, train_rows: IntArray, val_rows: IntArray) -> None:
        """Accept rows that can be learned from and validated on.

        Raises:
            TrainingError: There is too little to tell apart or to find.
        """
        ...


class Answering(Protocol):
    """What can be answered by one network at a time."""

    def answered(self, network: nn.Module, plan: Plan, rows: IntArray, *, flips: bool) -> Answers:
        """What the network, and its mirrored copies with `flips`, says of some rows in float32."""
        ...


def one_by_one(lesson: Answering, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> list[Answers]:
    """What each network says of its own rows."""
    return [
        lesson.answered(network, plan, own, flips=plan.ensemble.flips)
        for network, own in zip(networks, rows, strict=True)
    ]


def mean_answers(answers: Sequence[Answers], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
    """Each row once, in rising order, with the mean of the numbers of the networks that answered it."""
    unique, place, count = np.unique(np.concatenate(rows), return_inverse=True, return_counts=True)
    total = np.zeros((len(unique), answers[0].logits.shape[1]))
    np.add.at(total, place, np.concatenate([one.logits for one in answers]))
    return unique, Answers(total / count[:, None])


def descend(run: Setup, plan: Plan, loss: Tensor) -> None:
    """One step of the optimiser down the gradient of a loss."""
    run.optimizer.zero_grad()
    run.fabric.backward(loss)
    clip_gradients(run.with_heads, plan)
    run.optimizer.step()


def clip_gradients(network: nn.Module, plan: Plan) -> None:
    """Shorten the step where the gradient is longer than the plan allows.

    Reference:
        Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), arXiv:1211.5063.
    """
    if plan.optimisation.clip_norm:
        nn.utils.clip_grad_norm_(network.parameters(), plan.optimisation.clip_norm)
