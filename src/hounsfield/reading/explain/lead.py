"""What is explained: an output's lead over the mean of the others."""

from __future__ import annotations

from torch import Tensor


def lead(logits: Tensor, output: int) -> Tensor:
    """(N,) of logits (N, outputs)."""
    others = [column for column in range(logits.shape[1]) if column != output]
    return logits[:, output] - logits[:, others].mean(dim=1)


def scaled(heat: Tensor) -> Tensor:
    """Heat (N, …), each map divided by its maximum; a map without anything positive stays 0."""
    highest = heat.amax(dim=tuple(range(1, heat.ndim)), keepdim=True)
    return (heat / highest.clamp_min(1e-30)).where(highest > 0, heat)
