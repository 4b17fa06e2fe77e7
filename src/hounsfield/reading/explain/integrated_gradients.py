"""Integrated gradients: what each pixel adds on the way from an image of 0, black to most networks, to this one.

Reference:
    Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", ICML 2017, arXiv:1703.01365.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.reading.explain.lead import lead, scaled
from hounsfield.tasks.predict import memory_order

STEPS = 8
_TOGETHER = 8
"""Points on the way that go through a network together."""

_BLUR = 1 / 32
"""Standard deviation of the smoothing, as a share of the image's side: single pixels cannot be looked at."""


def integrated_gradients(
    networks: Sequence[nn.Module],
    images: Tensor,
    *,
    output: int,
    steps: int = STEPS,
    views: int = 1,
    channels: int | None = None,
) -> FloatArray:
    """Heat maps, (N, *spatial) or, of several views, (N, views, *spatial), in [0, 1], averaged over the networks.

    What pixels add to the output's lead, summed over channels, its negative part cut off after smoothing.

    Args:
        networks: In evaluation mode.
        images: (N, C, H, W) or (N, C, D, H, W), as the networks take them.
        output: Index of the answer that is explained.
        steps: Points on the way, each the middle of a part of it.
        views: Images of a case, one after another in the channels.
        channels: Of one of them; what lies behind them is a table's, and stays as it is. All where not given.
    """
    own = channels or images.shape[1] // views
    added = torch.stack(
        [attributions(network, images, output=output, steps=steps, channels=views * own) for network in networks]
    ).mean(dim=0)
    by_view = added.reshape(len(added), views, own, *added.shape[2:]).sum(dim=2)
    smooth = torch.relu(_blurred(by_view))
    found: FloatArray = scaled(smooth if views > 1 else smooth[:, 0]).numpy()
    return found


def attributions(
    network: nn.Module, images: Tensor, *, output: int, steps: int = STEPS, channels: int | None = None
) -> Tensor:
    """What each value of the first `channels` of images (N, C, …) adds to the output's lead on the way from 0.

    With many steps they sum to it, less the lead of an image of 0 beside the same table.
    """
    count = images.shape[1] if channels is None else channels
    return torch.stack([_of_one(network, image, output, steps, count) for image in images])


def _of_one(network: nn.Module, image: Tensor, output: int, steps: int, channels: int) -> Tensor:
    shown, table = image[None, :channels], image[None, channels:]
    way = (torch.arange(steps, dtype=image.dtype) + 0.5) / steps
    total = torch.zeros_like(shown[0])
    for start in range(0, steps, _TOGETHER):
        shares = way[start : start + _TOGETHER].reshape(-1, *[1] * image.ndim)
        there = memory_order(shown * shares, channels_last=True).detach()
        with torch.enable_grad():
            there.requires_grad_()
            whole = torch.cat([there, table.expand(len(there), *table.shape[1:])], dim=1) if len(table[0]) else there
            (gradient,) = torch.autograd.grad(lead(network(whole), output).sum(), there)
        total += gradient.sum(dim=0)
    return shown[0] * total / steps


def _blurred(heat: Tensor) -> Tensor:
    """(N, V, …), smoothed along every axis of space."""
    for axis in range(2, heat.ndim):
        sigma = max(heat.shape[axis] * _BLUR, 1e-3)
        reach = max(1, round(3 * sigma))
        at = torch.arange(-reach, reach + 1, dtype=heat.dtype)
        kernel = torch.exp(-0.5 * (at / sigma) ** 2)
        moved = heat.movedim(axis, -1)
        flat = moved.reshape(-1, 1, moved.shape[-1])
        smooth = nn.functional.conv1d(flat, (kernel / kernel.sum()).view(1, 1, -1), padding=reach)
        heat = smooth.reshape(moved.shape).movedim(-1, axis)
    return heat
