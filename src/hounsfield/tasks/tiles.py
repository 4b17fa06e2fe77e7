"""Large images looked at tile by tile, where small lesions would vanish if all of the image were made small.

Tiles overlap by a quarter of their sides. What is found near an inner border of a tile is left to its neighbour, which
sees more of it: a finding is taken from the tile in whose core its centre lies, or a little outside, for the two may
place it a little differently. What both found, in part or as a whole, is put together.
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

EXAMINED = {2: 32, 3: 4}
"""Images, at most, of so many dimensions that a network is examined on in tiles after each epoch: volumes have many
tiles. All are measured in the end."""

SLACK = 0.1
"""Of what two tiles share, how far beyond its middle findings of either are taken: a lesion that each places on the
other's side is not lost."""

SAME = 0.5
"""Intersection over union of what findings of two tiles cover where both tiles see, above which they are one."""


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
    boxes, shares, tiles = [], [], []
    for one, start in zip(found, starts, strict=True):
        low, high = core_of(start, shape, tile)
        shift = torch.tensor([*start][::-1], dtype=torch.float32)
        dims = len(start)
        placed = one.boxes.float() + torch.cat([shift, shift])
        centre = (placed[:, :dims] + placed[:, dims:]) / 2
        own = ((centre >= low) & (centre < high)).all(dim=1)
        boxes.append(placed[own])
        of_tile = torch.cat([shift, shift + torch.tensor([*tile][::-1], dtype=torch.float32)])
        tiles.append(of_tile.expand(int(own.sum()), -1))
        shares.append(one.probabilities[own])
    all_boxes, all_shares = torch.cat(boxes), torch.cat(shares)
    order = all_shares.sum(dim=1).argsort(descending=True, stable=True)
    return _merged(all_boxes[order], all_shares[order], torch.cat(tiles)[order], most=most)


def _merged(boxes: Tensor, shares: Tensor, tiles: Tensor, *, most: int) -> Found:
    """Findings, the surest first, of which those that two tiles saw alike where both could see are one: parts of a
    lesion that reaches over the border. It is as large as both together, and as sure as the surer.

    Args:
        boxes: (n, 2 · dims).
        shares: (n, kinds).
        tiles: (n, 2 · dims), the tile that each was found on, as a box.
        most: Findings that are kept.
    """
    dims = boxes.shape[1] // 2
    low, high = boxes[:, :dims], boxes[:, dims:]
    tile = torch.unique(tiles, dim=0, return_inverse=True)[1]
    kept = torch.zeros(len(boxes), dtype=torch.bool)
    whole = boxes.clone()
    for row in range(len(boxes)):
        over = ((low[:row] < high[row]) & (high[:row] > low[row])).all(dim=1)
        others = torch.nonzero(kept[:row] & over & (tile[:row] != tile[row]))[:, 0]
        if len(others):
            seen_by_both = _both(tiles[row].expand(len(others), -1), tiles[others])
            own, theirs = _both(boxes[row].expand(len(others), -1), seen_by_both), _both(boxes[others], seen_by_both)
            common, either = _size(_both(own, theirs)), _size(own) + _size(theirs)
            share, place = (common / (either - common).clamp(min=1e-6)).max(dim=0)
            if float(share) > SAME:
                other = int(others[place])
                whole[other, :dims] = torch.minimum(whole[other, :dims], boxes[row, :dims])
                whole[other, dims:] = torch.maximum(whole[other, dims:], boxes[row, dims:])
                continue
        kept[row] = True
    first = torch.nonzero(kept)[:most, 0]
    return Found(whole[first], shares[first])


def _both(first: Tensor, second: Tensor) -> Tensor:
    """What boxes (n, 2 · dims) have in common, row by row; of those that have nothing it has no size."""
    dims = first.shape[1] // 2
    low = torch.maximum(first[:, :dims], second[:, :dims])
    return torch.cat([low, torch.minimum(first[:, dims:], second[:, dims:]).maximum(low)], dim=1)


def _size(boxes: Tensor) -> Tensor:
    dims = boxes.shape[1] // 2
    sizes: Tensor = (boxes[:, dims:] - boxes[:, :dims]).prod(dim=1)
    return sizes


def core_of(start: Sequence[int], shape: Sequence[int], tile: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(dims,) twice, x first: where the places begin and end that are a tile's own, half way into what it shares and
    `SLACK` of that beyond."""
    low, high = [], []
    for begin, side, length in zip(start, shape, tile, strict=True):
        starts = starts_along(side, length)
        number = starts.index(begin)
        before = starts[number - 1] + length - begin if number else 0
        after = begin + length - starts[number + 1] if number < len(starts) - 1 else 0
        low.append(begin + (0.5 - SLACK) * before if before else -float("inf"))
        high.append(begin + length - (0.5 - SLACK) * after if after else float("inf"))
    return torch.tensor(low[::-1]), torch.tensor(high[::-1])
