"""Batch normalisation folded into the convolution before it: the same answers in fewer steps.

A trained normalisation is a multiplication and an addition for each feature map, which the convolution's own weights
and bias can do. What is left is smaller and faster, in reading and in fine-tuning: no statistics of small batches are
taken, and images of one batch do not influence each other.
"""

from __future__ import annotations

import torch
from torch import nn

Convolution = nn.Conv2d | nn.Conv3d
Normalisation = nn.BatchNorm2d | nn.BatchNorm3d


def fold(network: nn.Module) -> int:
    """Fold every normalisation that follows a convolution in the order of definition; says how many were folded.

    What a normalisation does besides, such as timm's activation in the same module, stays. The network must be
    defined in the order in which it computes; `learning.transfer` compares the answers of pretrained ones.
    """
    folded = 0
    for parent in list(network.modules()):
        children = list(parent.named_children())
        for (before_name, before), (name, layer) in zip(children, children[1:], strict=False):
            if _follows(before, layer):
                setattr(parent, before_name, _joined(before, layer))  # type: ignore[arg-type]
                setattr(parent, name, _rest(layer).train(layer.training))
                folded += 1
    return folded


def _follows(before: nn.Module, layer: nn.Module) -> bool:
    return (
        isinstance(before, Convolution)
        and isinstance(layer, Normalisation)
        and layer.num_features == before.out_channels
        and layer.track_running_stats
    )


def _joined(convolution: Convolution, normalisation: Normalisation) -> Convolution:
    """The convolution with the normalisation's factor in its weights and its shift in its bias."""
    scale = torch.rsqrt(_tensor(normalisation.running_var) + normalisation.eps)
    if normalisation.affine:
        scale = scale * normalisation.weight.detach()
    shift = -_tensor(normalisation.running_mean) * scale
    if normalisation.affine:
        shift = shift + normalisation.bias.detach()
    if convolution.bias is not None:
        shift = shift + convolution.bias.detach() * scale
    one_each = (-1, *[1] * (convolution.weight.ndim - 1))
    with torch.no_grad():
        convolution.weight.mul_(scale.view(one_each))
    convolution.bias = nn.Parameter(shift.clone())
    return convolution


def _tensor(value: torch.Tensor | None) -> torch.Tensor:
    if value is None:  # pragma: no cover - `_follows` asks for tracked statistics
        raise ValueError("a normalisation without statistics cannot be folded")
    return value.detach()


def _rest(normalisation: nn.Module) -> nn.Module:
    """What a normalisation module does after normalising: timm's have their dropout and activation inside."""
    parts = [getattr(normalisation, name, None) for name in ("drop", "act")]
    modules = [part for part in parts if isinstance(part, nn.Module) and not isinstance(part, nn.Identity)]
    return nn.Sequential(*modules) if modules else nn.Identity()
