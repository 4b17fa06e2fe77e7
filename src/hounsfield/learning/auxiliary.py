"""Auxiliary columns: what else a table says of an image, learned beside the answer for what it teaches.

A radiologist's word for a mass's margin says more of what to look at than "malignant" alone. Each column gets a linear
head on the network's features; the heads end with the training, and reading knows nothing of them.

Reference:
    Caruana, "Multitask learning", Machine Learning 28 (1997) 41-75, doi:10.1023/A:1007379606734.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.learning.inputs import Inputs
from hounsfield.networks.encoders import answer_width
from hounsfield.plan import Plan
from hounsfield.plan.columns import encode
from hounsfield.plan.schema import Auxiliary, Column


class WithHeads(nn.Module):
    """A network in training, and auxiliary heads: an answer to each column on the features of its own answer."""

    def __init__(self, network: nn.Module, auxiliary: Auxiliary) -> None:
        """Heads with fresh weights beside `network`, whose `answer` is a linear layer."""
        super().__init__()
        self.network = network
        numbers = sum(column.numbers for column in auxiliary.columns)
        self.heads = nn.Linear(answer_width(network.get_submodule("answer")), numbers) if numbers else None

    def forward(self, images: Tensor, *more: object, **named: object) -> tuple[Tensor, Tensor | None]:
        """Logits of the answer, (N, outputs), and of the columns, (N, K), where there are any.

        Without columns the network may be one that is given more than images, and answers otherwise.
        """
        if self.heads is None:
            return self.network(images, *more, **named), None
        features: list[Tensor] = []
        answer = self.network.get_submodule("answer")
        with answer.register_forward_pre_hook(lambda _, given: features.append(given[0])):
            logits: Tensor = self.network(images)
        seen = features[0].mean(dim=1) if features[0].ndim == 3 else features[0]  # of an answer place by place
        return logits, self.heads(seen)


def head_groups(with_heads: WithHeads, plan: Plan) -> Iterator[dict[str, Any]]:
    """Groups for the optimiser, as `transfer.parameter_groups`, of the heads."""
    if with_heads.heads is not None:
        yield {"params": [with_heads.heads.weight], "weight_decay": plan.optimisation.weight_decay, "scale": 1.0}
        yield {"params": [with_heads.heads.bias], "weight_decay": 0.0, "scale": 1.0}


def auxiliary_targets(inputs: Inputs, rows: IntArray, plan: Plan) -> Tensor | None:
    """Numbers (n, K) that the columns of some rows say, NaN where unknown; None where the plan has no columns."""
    if not plan.auxiliary.columns:
        return None
    found: list[FloatArray] = [encode(inputs.cases[row].auxiliary, plan.auxiliary.columns) for row in rows]
    return torch.from_numpy(np.stack(found))


def auxiliary_loss(logits: Tensor, targets: Tensor, auxiliary: Auxiliary) -> Tensor:
    """Weighted mean loss of the columns: cross-entropy of words, half the squared error of numbers; a scalar.

    A column that a row does not know, or of which it has a word that was not learned from, does not count for it.

    Args:
        logits: (N, K) as `WithHeads` gives them.
        targets: (N, K) as `auxiliary_targets`.
        auxiliary: The plan's section.
    """
    losses = []
    start = 0
    for column in auxiliary.columns:
        part = slice(start, start + column.numbers)
        losses.append(_loss_of(logits[:, part].float(), targets[:, part], column))
        start += column.numbers
    return auxiliary.weight * torch.stack(losses).mean()


def _loss_of(logits: Tensor, targets: Tensor, column: Column) -> Tensor:
    known = ~torch.isnan(targets).any(dim=1)
    if column.kind == "category":
        known &= targets.nan_to_num().sum(dim=1) > 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    if column.kind == "category":
        total = torch.nn.functional.cross_entropy(logits[known], targets[known].argmax(dim=1), reduction="sum")
    else:
        total = 0.5 * torch.nn.functional.mse_loss(logits[known], targets[known], reduction="sum")
    return total / len(targets)
