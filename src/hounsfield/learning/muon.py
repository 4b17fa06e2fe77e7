"""Muon: steps of convolutions in which all directions count alike; what is no convolution learns by AdamW.

Few steps of AdamW go mostly where the gradient is longest. Here the mean gradient of a layer, as a matrix of its maps
and what each looks at, is replaced by the nearest matrix whose singular values are all about 1, so that directions that
are rare in the data are learned as fast. Steps are as long as those of AdamW, whose rates hold. PyTorch's own Muon, of
its newer versions, is for matrices alone.

Reference:
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024),
    https://kellerjordan.github.io/posts/muon/; Liu et al., "Muon is scalable for LLM training" (2025),
    arXiv:2502.16982 (the length of steps).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM = 0.95

_STEP = 0.2
"""Root mean square of a step of AdamW at a rate of 1, as it was measured in long trainings (Liu 2025)."""

_FEWEST = 8
"""Maps before and after a convolution, without which it has too few directions."""

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the powers 1, 3 and 5 of a singular value: five times over, they bring those from .002 to 1 to .68 to 1.2."""


class Muon(torch.optim.AdamW):
    """AdamW, but for the kernels of convolutions between `_FEWEST` maps or more, within the network.

    Groups of parameters that say `"hidden": False` hold layers that give the answer: those learn by AdamW.
    """

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of all weights that have a gradient; the loss of `closure`, which is called first."""
        loss: float | None = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        kernels = [
            (group, weight, weight.grad)
            for group in self.param_groups
            for weight in group["params"]
            if weight.grad is not None and group.get("hidden", True) and is_kernel(weight)
        ]
        for _, weight, _ in kernels:
            weight.grad = None
        super().step()
        for group, weight, gradient in kernels:
            weight.grad = gradient
            self._step_of_kernel(group, weight, gradient)
        return loss

    @torch.no_grad()
    def _step_of_kernel(self, group: dict[str, Any], weight: Tensor, gradient: Tensor) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())  # AdamW asks each weight for it when a state is loaded
            state["momentum"] = torch.zeros_like(gradient)
        state["step"] += 1
        momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        ahead = gradient.lerp(momentum, _MOMENTUM).flatten(1)  # Nesterov's
        turned = newton_schulz(ahead) * (_STEP * math.sqrt(max(ahead.shape)))
        weight.mul_(1 - group["lr"] * group["weight_decay"]).sub_(turned.view_as(weight), alpha=float(group["lr"]))


def is_kernel(weight: Tensor) -> bool:
    """Whether weights are those of a convolution with enough maps before and after it."""
    return weight.ndim > 3 and min(weight.shape[:2]) >= _FEWEST


def newton_schulz(matrix: Tensor) -> Tensor:
    """A matrix (m, n) with the same singular vectors, whose singular values are about 1: the Newton-Schulz iteration.

    It works on products of rows, (m, m) of a matrix with m ≤ n: each of its five rounds costs products of small
    matrices, and the long one is multiplied once.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return newton_schulz(matrix.T).T
    first, third, fifth = _COEFFICIENTS
    unit = matrix / (matrix.norm() + 1e-7)
    products = unit @ unit.T
    one = torch.eye(len(unit), dtype=unit.dtype, device=unit.device)
    total = one
    for _ in range(5):
        factor = first * one + third * products + fifth * products @ products
        total = factor @ total
        products = factor @ products @ factor
    found: Tensor = total @ unit
    return found
