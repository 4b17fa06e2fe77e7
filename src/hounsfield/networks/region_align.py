"""Regions of maps brought to one size: the mean of four points in each of 7 × 7 parts, linear between the maps' places.

Each value is a weighted sum of sixteen places, the same for all maps: a sum over the rows of a table whose columns are
the maps, which is far quicker than map by map.

Reference:
    He et al., "Mask R-CNN" (2017), arXiv:1703.06870, section 3; Lin et al., "Feature pyramid networks for object
    detection" (2016), arXiv:1612.03144, equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SIDE = 7
"""Parts of a region along each axis."""

_SAMPLES = 2
"""Points of a part along each axis."""

_CANONICAL_SIDE, _CANONICAL_STRIDE = 224, 16
"""A region with this side is cut out of maps with so many pixels between places; larger ones of coarser maps."""


def cut_out(maps: Sequence[Tensor], regions: Sequence[Tensor], strides: Sequence[int]) -> Tensor:
    """What regions show, (n, C, 7, 7), those of the first image first; 0 beyond the maps.

    Args:
        maps: Of each resolution (N, C, height, width), the finest first.
        regions: Of each image (n, 4): x0, y0, x1, y1 in pixels.
        strides: Pixels between places of each resolution, rising powers of 2.
    """
    boxes = torch.cat([*regions])
    image = torch.repeat_interleave(torch.tensor([len(own) for own in regions]))
    level = _levels(boxes, strides)
    sizes = torch.tensor([list(own.shape[2:]) for own in maps])
    starts = torch.cumsum(torch.cat([torch.zeros(1, dtype=torch.int64), sizes.prod(dim=1) * len(regions)]), dim=0)
    first = starts[:-1][level] + image * sizes.prod(dim=1)[level]
    table = torch.cat([own.permute(0, 2, 3, 1).reshape(-1, own.shape[1]) for own in maps])
    scale = 1 / torch.tensor(strides, dtype=torch.float32)[level]
    columns, across = _taps(boxes[:, 0] * scale, boxes[:, 2] * scale, sizes[level, 1])
    rows, down = _taps(boxes[:, 1] * scale, boxes[:, 3] * scale, sizes[level, 0])
    rows = (rows * sizes[level, 1].view(-1, 1, 1) + first.view(-1, 1, 1)).to(torch.int32)
    places = rows[:, :, None, :, None] + columns[:, None, :, None, :]
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    taps = places.shape[-1] * places.shape[-2]
    cut = torch.nn.functional.embedding_bag(
        places.reshape(-1, taps), table, mode="sum", per_sample_weights=weights.reshape(-1, taps)
    )
    return cut.view(len(boxes), SIDE, SIDE, table.shape[1]).permute(0, 3, 1, 2)


def _levels(boxes: Tensor, strides: Sequence[int]) -> Tensor:
    """Which of the resolutions each region (n, 4) is cut out of, (n,)."""
    sides = torch.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    wanted = torch.floor(torch.log2(_CANONICAL_STRIDE * sides / _CANONICAL_SIDE) + 1e-6)
    there = torch.tensor([stride.bit_length() - 1 for stride in strides])
    return torch.bucketize(wanted.clamp(int(there[0]), int(there[-1])).to(torch.int64), there)


def _taps(start: Tensor, end: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Along one axis the places (n, 7, 4) that each part of regions is made of, and their weights, of the same shape.

    Args:
        start: Of each region (n,), in places of its map, from the middle of the first.
        end: Likewise.
        length: Of its map, (n,).
    """
    side = (end - start).clamp(min=1.0)
    points = (torch.arange(SIDE * _SAMPLES) + 0.5) / (SIDE * _SAMPLES)
    at = start[:, None] + side[:, None] * points
    last = (length[:, None] - 1).to(torch.int32)
    beyond = (at < -1) | (at > length[:, None])
    low = torch.minimum(at.clamp(min=0).to(torch.int32), last)
    high = torch.minimum(low + 1, last)
    share = torch.where(low == last, 0.0, at.clamp(min=0) - low)
    weights = torch.stack([1 - share, share], dim=2).masked_fill(beyond[:, :, None], 0.0) / _SAMPLES
    places = torch.stack([low, high], dim=2)
    return places.view(-1, SIDE, 2 * _SAMPLES), weights.view(-1, SIDE, 2 * _SAMPLES)
