"""Occlusion: how much an answer loses when a part of the image is covered.

Reference:
    Zeiler, Fergus, "Visualizing and understanding convolutional networks" (2014), arXiv:1311.2901.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.reading.explain.lead import lead, scaled

PATCHES = {2: 6, 3: 3}
"""As many patches side by side cover an axis of a flat image, or of a volume; neighbours overlap by half."""

_BATCH = 16


@torch.inference_mode()
def occlusion(
    networks: Sequence[nn.Module], images: Tensor, *, output: int, views: int = 1, channels: int | None = None
) -> FloatArray:
    """Heat maps, (N, *spatial) or, of several views, (N, views, *spatial), in [0, 1], averaged over the networks.

    A place's heat is the mean of what the output's lead loses under the patches that cover it, where it loses. A patch
    has the mean value of its image.

    Args:
        networks: In evaluation mode.
        images: (N, C, H, W) or (N, C, D, H, W), as the networks take them.
        output: Index of the answer that is explained.
        views: Images of a case, one after another in the channels.
        channels: Of one of them; what lies behind them is a table's, and is never covered. All where not given.
    """
    own = channels or images.shape[1] // views
    heats = [_of_one(networks, image[None], output, views, own) for image in images]
    heat = torch.relu(torch.stack(heats))
    found: FloatArray = scaled(heat if views > 1 else heat[:, 0]).numpy()
    return found


def _of_one(networks: Sequence[nn.Module], image: Tensor, output: int, views: int, channels: int) -> Tensor:
    """(views, *spatial): the mean loss under the patches over each place."""
    space = image.shape[2:]
    patches: list[tuple[slice, ...]] = list(itertools.product(*[_starts(side, PATCHES[len(space)]) for side in space]))
    places = [(view, patch) for view in range(views) for patch in patches]
    loss, covered = torch.zeros(views, *space), torch.zeros(views, *space)
    whole = _lead(networks, image, output)
    for start in range(0, len(places), _BATCH):
        some = places[start : start + _BATCH]
        batch = image.repeat(len(some), *[1] * (image.ndim - 1))
        for row, (view, patch) in enumerate(some):
            own = slice(view * channels, (view + 1) * channels)
            _part(batch[row, own], patch).fill_(float(image[0, own].mean()))
        lost = whole - _lead(networks, batch, output)
        for value, (view, patch) in zip(lost, some, strict=True):
            _part(loss[view : view + 1], patch).add_(value)
            _part(covered[view : view + 1], patch).add_(1)
    return loss / covered.clamp_min(1)


def _part(images: Tensor, patch: Sequence[slice]) -> Tensor:
    """What a patch covers of images (C, *spatial), in place."""
    for axis, own in enumerate(patch, start=1):
        images = images.narrow(axis, own.start, own.stop - own.start)
    return images


def _starts(side: int, patches: int) -> list[slice]:
    length = max(1, round(side / patches))
    step = max(1, length // 2)
    firsts = list(range(0, max(side - length, 0) + 1, step))
    if firsts[-1] + length < side:
        firsts.append(side - length)
    return [slice(first, first + length) for first in firsts]


def _lead(networks: Sequence[nn.Module], images: Tensor, output: int) -> Tensor:
    return torch.stack([lead(network(images).float(), output) for network in networks]).mean(dim=0)
