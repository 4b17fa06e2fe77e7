"""Which of many vectors are close to each other: all of them compared, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.progress import track

_BLOCK = 2048
"""Rows and columns compared at once: 16 MB of products."""

_ROWS = 256
"""Rows whose nearest neighbours are looked for at once: of 100,000 vectors, 100 MB of products."""

_LONG = 20_000
"""Vectors from which on progress is shown."""


def pairs_above(
    vectors: Tensor,
    least: float,
    *,
    others: Tensor | None = None,
    also: Callable[[Tensor, Tensor], Tensor] | None = None,
    both_orders: bool = False,
) -> tuple[IntArray, IntArray]:
    """Pairs of rows whose inner product is at least `least`: two (m,) arrays of row numbers, the first the lower.

    Args:
        vectors: (n, d); of unit length, the products are cosines; of +1 and -1, d less twice the bits that differ.
        least: What a product must reach.
        others: (n, d), the same items seen in another way, where pairs are sought between the two ways.
        both_orders: Whether, of `others`, each pair is asked about in both orders: the first seen in one way and the
            second in the other, and the reverse. Else the reverse is taken to say the same.
        also: Says of rows (m,) of `vectors` and (m,) of `others` which pairs are kept, (m,); asked block by block, so
            that a block's pairs need no memory longer.
    """
    found = [torch.empty(0, 2, dtype=torch.int64)]
    right = vectors if others is None else others
    size = min(_BLOCK, len(vectors)), min(_BLOCK, len(right))
    products = torch.empty(size, dtype=vectors.dtype)  # one for all: new ones fill the memory
    for top in _shown(range(0, len(vectors), _BLOCK), len(vectors)):
        rows = vectors[top : top + _BLOCK]
        for left in range(0 if both_orders else top, len(right), _BLOCK):
            columns = right[left : left + _BLOCK]
            block = products[: len(rows), : len(columns)]
            block.copy_(rows @ columns.T) if block.shape != products.shape else torch.mm(rows, columns.T, out=products)
            near = torch.nonzero(block >= least) + torch.tensor([top, left])
            if not both_orders:
                near = near[near[:, 0] < near[:, 1]]
            if also is not None:
                near = near[also(near[:, 0], near[:, 1])]
            if len(near):
                found.append(near)
    pairs = torch.cat(found)
    return _ordered(pairs[:, 0], pairs[:, 1])


def nearest(vectors: Tensor, count: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Each row with its `count` nearest other rows: pairs as `pairs_above` gives them, and their inner products."""
    first, second, products = [], [], []
    for top in _shown(range(0, len(vectors), _ROWS), len(vectors)):
        block = vectors[top : top + _ROWS] @ vectors.T
        rows = torch.arange(len(block))
        block[rows, rows + top] = -torch.inf
        value, column = block.topk(min(count, len(vectors) - 1), dim=1)
        first.append((rows + top)[:, None].expand_as(column).reshape(-1))
        second.append(column.reshape(-1))
        products.append(value.reshape(-1))
    pairs = torch.stack([torch.cat(first), torch.cat(second)], dim=1).sort(dim=1).values
    pairs, place = torch.unique(pairs, dim=0, return_inverse=True)
    alike = torch.empty(len(pairs)).scatter_(0, place, torch.cat(products))
    return pairs[:, 0].numpy(), pairs[:, 1].numpy(), alike.numpy()


def _ordered(first: Tensor, second: Tensor) -> tuple[IntArray, IntArray]:
    """Every pair once, the lower number first, none of a row with itself."""
    apart = first != second
    pairs = torch.stack([torch.minimum(first, second), torch.maximum(first, second)], dim=1)[apart]
    pairs = torch.unique(pairs, dim=0)
    return pairs[:, 0].numpy(), pairs[:, 1].numpy()


def _shown(starts: range, count: int) -> Iterator[int] | range:
    return track(starts, "comparing images with each other") if count > _LONG else starts
