"""A linear probe: features computed once by a network that stays as it is, and a logistic regression on them.

Reference:
    Alain, Bengio, "Understanding intermediate layers using linear classifier probes" (2016), arXiv:1610.01644.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor, nn

from hounsfield.arrays import IntArray
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.features import features_of
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.supervised import Fitted, setup
from hounsfield.learning.transfer import KEPT_WEIGHTS
from hounsfield.plan import Plan
from hounsfield.tasks.task import Task

STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
"""Weights of the squared coefficients beside the mean loss; the one with the lowest validation loss is taken."""

_STEPS = 100


def fit_probe(
    plan: Plan, task: Task, inputs: Inputs, *, train_rows: IntArray, val_rows: IntArray, folder: Path
) -> Fitted:
    """The network with an answer fitted to its features of the training rows.

    All members of an ensemble share the features; they differ by the cases that their answers were fitted to.

    Args:
        plan: Its mirrored copies are seen in training too, each as an image of its own.
        task: What is asked.
        inputs: The prepared cases.
        train_rows: Rows to learn from.
        val_rows: Rows on which the strength of the regularisation is chosen.
        folder: Where features are kept, beside the run's copy of the weights to start from.

    Raises:
        WeightsError, BundleError: The weights to start from are not at hand, or do not fit.
        StorageError: The disk refused.
    """
    began = time.monotonic()
    network = setup(plan, member=0, kept=folder / KEPT_WEIGHTS).network.eval()
    features = features_of(network, plan, inputs, folder)
    learned, validated = features[train_rows].flatten(0, 1), features[val_rows, 0]
    targets = torch.from_numpy(inputs.targets[train_rows]).repeat_interleave(features.shape[1])
    val_targets = torch.from_numpy(inputs.targets[val_rows])
    mean, spread = learned.mean(dim=0), learned.std(dim=0).clamp_min(1e-6)
    learned, validated = (learned - mean) / spread, (validated - mean) / spread
    found: list[tuple[float, float, Tensor, Tensor]] = []
    for strength in STRENGTHS:
        weight, bias, loss = _solve(task, learned, targets, strength)
        found.append((float(task.loss(validated @ weight.T + bias, val_targets)), loss, weight, bias))
    val_loss, train_loss, weight, bias = min(found, key=lambda candidate: candidate[0])
    score = task.validation_score((validated @ weight.T + bias).numpy(), inputs.targets[val_rows])
    _put_answer(network, weight / spread, bias - (weight * (mean / spread)).sum(dim=1))
    record = EpochRecord(1, train_loss, val_loss, score, time.monotonic() - began)
    weights = {key: value.detach().contiguous().cpu() for key, value in network.state_dict().items()}
    return Fitted(weights, (record,), best_epoch=1, stopped="solved")


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
    answer = network.get_submodule("answer")
    with torch.no_grad():
        answer.get_parameter("weight").copy_(weight)
        answer.get_parameter("bias").copy_(bias)
