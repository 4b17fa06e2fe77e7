"""A linear probe: features computed once by a network that stays as it is, and a logistic regression on them.

Reference:
    Alain, Bengio, "Understanding intermediate layers using linear classifier probes" (2016), arXiv:1610.01644.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import IntArray
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.inputs import Inputs, images_of, table_of
from hounsfield.learning.supervised import Fitted, predict_rows, setup
from hounsfield.networks.beside_table import with_table
from hounsfield.plan import Plan
from hounsfield.tasks.predict import centre, memory_order
from hounsfield.tasks.task import Task

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
"""Weights of the squared coefficients beside the mean loss; the one with the lowest validation loss is taken."""

_STEPS = 100


def fit_probe(
    plan: Plan, task: Task, inputs: Inputs, *, train_rows: IntArray, val_rows: IntArray, member: int
) -> Fitted:
    """The network with an answer fitted to its features of the training rows.

    Args:
        plan: Its flips are seen in training too, each as an image of its own.
        task: What is asked.
        inputs: The prepared cases.
        train_rows: Rows to learn from.
        val_rows: Rows on which the strength of the regularisation is chosen.
        member: Number of the network in the ensemble, from 0.

    Raises:
        WeightsError, BundleError: The weights to start from are not at hand, or do not fit.
    """
    began = time.monotonic()
    network = setup(plan, task, member=member).network.eval()
    learned, targets = _features(network, plan, inputs, train_rows, flips=True)
    validated, val_targets = _features(network, plan, inputs, val_rows, flips=False)
    mean, spread = learned.mean(dim=0), learned.std(dim=0).clamp_min(1e-6)
    learned, validated = (learned - mean) / spread, (validated - mean) / spread
    found: list[tuple[float, float, Tensor, Tensor]] = []
    for strength in STRENGTHS:
        weight, bias, loss = _solve(task, learned, targets, strength)
        found.append((float(task.loss(validated @ weight.T + bias, val_targets)), loss, weight, bias))
    val_loss, train_loss, weight, bias = min(found, key=lambda candidate: candidate[0])
    _put_answer(network, weight / spread, bias - (weight * (mean / spread)).sum(dim=1))
    logits = predict_rows(network, plan, inputs, val_rows, flips=False)
    score = task.validation_score(logits, inputs.targets[val_rows])
    record = EpochRecord(1, train_loss, val_loss, score, time.monotonic() - began)
    weights = {key: value.detach().contiguous().cpu() for key, value in network.state_dict().items()}
    return Fitted(weights, (record,), best_epoch=1, stopped="solved")


@torch.no_grad()
def _features(network: nn.Module, plan: Plan, inputs: Inputs, rows: IntArray, *, flips: bool) -> tuple[Tensor, Tensor]:
    """Features (n, F) and targets (n,): of each row, and with `flips` of its mirror image along each flip axis."""
    mirrors = [(), *((axis + 2,) for axis in plan.augmentation.flip_axes)] if flips else [()]
    found = []
    for start in range(0, len(rows), plan.optimisation.batch_size):
        chosen = rows[start : start + plan.optimisation.batch_size]
        images = with_table(centre(images_of(inputs, chosen), plan.input.shape), table_of(inputs, chosen))
        for axes in mirrors:
            copies = memory_order(images.flip(axes), channels_last=plan.optimisation.channels_last)
            found.append(network.pooled(copies).float())  # type: ignore[operator]
    repeated = [
        targets
        for start in range(0, len(rows), plan.optimisation.batch_size)
        for targets in [inputs.targets[rows[start : start + plan.optimisation.batch_size]]] * len(mirrors)
    ]
    return torch.cat(found), torch.from_numpy(np.concatenate(repeated))


def _solve(task: Task, features: Tensor, targets: Tensor, strength: float) -> tuple[Tensor, Tensor, float]:
    """Coefficients (outputs, F), intercepts (outputs,) and the training loss of a regularised regression."""
    weight = torch.zeros(task.outputs, features.shape[1], requires_grad=True)
    bias = torch.zeros(task.outputs, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")
    losses = [0.0]

    def step() -> Tensor:
        solver.zero_grad()
        loss = task.loss(features @ weight.T + bias, targets)
        losses[0] = float(loss.detach())
        total: Tensor = loss + strength * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(step)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach(), losses[0]


def _put_answer(network: nn.Module, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        network.answer.weight.copy_(weight)  # type: ignore[union-attr, operator]
        network.answer.bias.copy_(bias)  # type: ignore[union-attr, operator]
