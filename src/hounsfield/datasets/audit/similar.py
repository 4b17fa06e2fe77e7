"""Which of many vectors are close to each other: all of them compared, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from hounsfield.arrays import IntArray
from hounsfield.progress import track

_BLOCK = 2048
"""Rows and columns compared at once: 16 MB of products."""

_ROWS = 256
"""Rows whose nearest neighbours are looked for at once: of 100,000 vectors, 100 MB of products."""

_LONG = 20_000
"""Vectors from which on progress is shown."""


def pairs_above(vectors: Tensor, least: float, *, others: Tensor | None = None) -> tuple[IntArray, IntArray]:
    """Pairs of rows whose inner product is at least `least`: two (m,) arrays of row numbers, the first the lower.

    Args:
        vectors: (n, d); of unit length, the products are cosines; of +1 and -1, d less twice the bits that differ.
        least: What a product must reach.
        others: (n, d), the same items seen in another way, where pairs are sought between the two ways.
    """
    first, second = [], []
    right = vectors if others is None else others
    for top in _shown(range(0, len(vectors), _BLOCK), len(vectors)):
        rows = vectors[top : top + _BLOCK]
        for left in range(top if others is None else 0, len(right), _BLOCK):
            near = torch.nonzero(rows @ right[left : left + _BLOCK].T >= least)
            first.append(near[:, 0] + top)
            second.append(near[:, 1] + left)
    return _ordered(torch.cat(first), torch.cat(second))


def nearest(vectors: Tensor, count: int, least: float) -> tuple[IntArray, IntArray]:
    """Each row with its `count` nearest other rows, where the inner product is at least `least`; as `pairs_above`."""
    first, second = [], []
    for top in _shown(range(0, len(vectors), _ROWS), len(vectors)):
        products = vectors[top : top + _ROWS] @ vectors.T
        rows = torch.arange(len(products))
        products[rows, rows + top] = -torch.inf
        value, column = products.topk(min(count, len(vectors) - 1), dim=1)
        near = torch.nonzero(value >= least)
        first.append(near[:, 0] + top)
        second.append(column[near[:, 0], near[:, 1]])
    return _ordered(torch.cat(first), torch.cat(second))


def _ordered(first: Tensor, second: Tensor) -> tuple[IntArray, IntArray]:
    """Every pair once, the lower number first, none of a row with itself."""
    apart = first != second
    pairs = torch.stack([torch.minimum(first, second), torch.maximum(first, second)], dim=1)[apart]
    pairs = torch.unique(pairs, dim=0)
    return pairs[:, 0].numpy(), pairs[:, 1].numpy()


def _shown(starts: range, count: int) -> Iterator[int] | range:
    return track(starts, "comparing images with each other") if count > _LONG else starts
