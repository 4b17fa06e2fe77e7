"""Large images looked at tile by tile, where small lesions would vanish if all of the image were made small.

Tiles overlap by a quarter of their sides. What is found near an inner border of a tile is left to its neighbour, which
sees more of it: a finding is taken from the tile in whose core its centre lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from hounsfield.networks.found import Found
from hounsfield.tasks.find import Look

OVERLAP = 0.25
"""Of a tile's sides, at least, that it shares with its neighbour."""


def starts_along(side: int, tile: int) -> list[int]:
    """Where tiles begin along a side, evenly, so that neighbours share enough and the last ends where the side does."""
    if side <= tile:
        return [0]
    count = 1 + -(-(side - tile) // max(1, int(tile * (1 - OVERLAP))))
    return [round(number * (side - tile) / (count - 1)) for number in range(count)]


def tiles_of(shape: Sequence[int], tile: Sequence[int]) -> list[tuple[int, ...]]:
    """Where each tile of an image of `shape` begins, along each axis."""
    return list(product(*(starts_along(side, own) for side, own in zip(shape, tile, strict=True))))


def cut_tile(images: Tensor, start: Sequence[int], tile: Sequence[int]) -> Tensor:
    """The tile of images (N, C, …) that begins there."""
    for axis, (begin, length) in enumerate(zip(start, tile, strict=True), start=2):
        images = images.narrow(axis, begin, length)
    return images


def in_tiles(look: Look, tile: Sequence[int], *, most: int) -> Look:
    """How networks that look at tiles look at whole images.

    Args:
        look: At images of the shape `tile`.
        tile: No larger than the images along any axis.
        most: Findings an image, the surest, that are kept.
    """

    def whole(images: Tensor) -> list[list[Found]]:
        shape = tuple(images.shape[2:])
        starts = tiles_of(shape, tile)
        by_tile = [look(cut_tile(images, start, tile)) for start in starts]
        return [
            [
                joined([own[network][row] for own in by_tile], starts, shape, tile, most=most)
                for row in range(len(images))
            ]
            for network in range(len(by_tile[0]))
        ]

    return whole


def joined(
    found: Sequence[Found],
    starts: Sequence[tuple[int, ...]],
    shape: Sequence[int],
    tile: Sequence[int],
    *,
    most: int,
) -> Found:
    """What was found on the tiles of one image, in its pixels, the surest first.

    Args:
        found: On each tile, in its own pixels.
        starts: Where each begins.
        shape: Of the image.
        tile: Of each.
        most: Findings that are kept.
    """
    boxes, shares = [], []
    for one, start in zip(found, starts, strict=True):
        low, high = core_of(start, shape, tile)
        shift = torch.tensor([*start][::-1], dtype=torch.float32)
        dims = len(start)
        placed = one.boxes.float() + torch.cat([shift, shift])
        centre = (placed[:, :dims] + placed[:, dims:]) / 2
        own = ((centre >= low) & (centre < high)).all(dim=1)
        boxes.append(placed[own])
        shares.append(one.probabilities[own])
    all_boxes, all_shares = torch.cat(boxes), torch.cat(shares)
    order = all_shares.sum(dim=1).argsort(descending=True, stable=True)[:most]
    return Found(all_boxes[order], all_shares[order])


def core_of(start: Sequence[int], shape: Sequence[int], tile: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(dims,) twice, x first: where the places begin and end that are a tile's own, half way into what it shares."""
    low, high = [], []
    for begin, side, length in zip(start, shape, tile, strict=True):
        starts = starts_along(side, length)
        number = starts.index(begin)
        low.append(-float("inf") if number == 0 else (begin + starts[number - 1] + length) / 2)
        high.append(float("inf") if number == len(starts) - 1 else (starts[number + 1] + begin + length) / 2)
    return torch.tensor(low[::-1]), torch.tensor(high[::-1])
