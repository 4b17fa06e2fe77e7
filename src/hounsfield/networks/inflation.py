"""A flat network made into one for volumes: every kernel repeated along depth and divided by its new length.

On a volume whose slices are all alike it sees what the flat network sees, so what was learned from photographs is where
the training on volumes begins. Depth is halved where height and width are, until one slice is left.

Reference:
    Carreira, Zisserman, "Quo vadis, action recognition?" (2017), arXiv:1705.07750.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from hounsfield.errors import ShapeError


def inflate(network: nn.Module) -> nn.Module:
    """The network with every flat layer replaced, in place.

    Raises:
        ShapeError: A layer pads by the size of its input, which has no counterpart for volumes.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if (replacement := _inflated(child)) is not None:
                setattr(parent, name, replacement.train(child.training))
    return network


def _inflated(layer: nn.Module) -> nn.Module | None:
    """What stands for a flat layer in a network for volumes; None where it stays."""
    if isinstance(layer, nn.Conv2d):
        return _convolution(layer)
    if isinstance(layer, nn.BatchNorm2d):
        return _normalisation(layer)
    if isinstance(layer, nn.MaxPool2d):
        return nn.MaxPool3d(_cube(layer.kernel_size), _cube(layer.stride), _cube(layer.padding))
    if isinstance(layer, nn.AvgPool2d):
        return nn.AvgPool3d(_cube(layer.kernel_size), _cube(layer.stride), _cube(layer.padding))
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return nn.AdaptiveAvgPool3d(1)
    return None


def _convolution(layer: nn.Conv2d) -> nn.Conv3d:
    if type(layer) is not nn.Conv2d or isinstance(layer.padding, str):
        raise ShapeError(
            f"a {type(layer).__name__} cannot be inflated for volumes: take a backbone without 'same' padding, or "
            'look at slices (network.name = "multiple_instance")'
        )
    depth = layer.kernel_size[0]
    inflated = nn.Conv3d(
        layer.in_channels,
        layer.out_channels,
        (depth, layer.kernel_size[0], layer.kernel_size[1]),
        stride=_cube(layer.stride),
        padding=_cube(layer.padding),
        dilation=_cube(layer.dilation),
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    with torch.no_grad():
        inflated.weight.copy_(layer.weight[:, :, None] / depth)
        if layer.bias is not None and inflated.bias is not None:
            inflated.bias.copy_(layer.bias)
    return inflated


def _normalisation(layer: nn.BatchNorm2d) -> nn.Module:
    normalisation = nn.BatchNorm3d(
        layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    )
    normalisation.load_state_dict(layer.state_dict())
    rest = [part for name in ("drop", "act") if isinstance(part := getattr(layer, name, None), nn.Module)]
    return nn.Sequential(normalisation, *rest) if rest else normalisation


def _cube(value: Any) -> tuple[int, int, int]:
    """(d, h, w) of a number, or of (h, w): depth as height."""
    height, width = value if isinstance(value, tuple) else (value, value)
    return height, height, width
