"""Near duplicates: pictures of one exposure that are in a data set twice: resized, compressed, written on, or turned.

Hashes that differ in few bits lead to candidates, of the pictures as they lie and mirrored or turned by right angles;
each candidate's details are then compared. How few bits mean something depends on the data: ultrasound images of two
women differ in half of the bits, chest films of two people in a quarter, and now and then in a tenth. So the closest
agreement is asked for, unless a distance is far from what is usual among these pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.datasets.audit.difference_hash import BITS, difference_hash
from hounsfield.datasets.audit.glance import Glance, shrunk
from hounsfield.datasets.audit.likeness import likeness
from hounsfield.datasets.audit.similar import pairs_above

Kind = Literal["same", "mirrored or turned", "moved"]

MOST_BITS = 28
"""Of 256 bits of a plane, by which the hashes of near duplicates differ at most."""

UNUSUAL = 5.0
"""A distance is far from the usual ones where it lies this many of their standard deviations below their median."""

LEAST_LIKE = 0.6
"""Likeness from which on two pictures are one, where their distance is unusual …"""

LEAST_LIKE_USUALLY = 0.9
"""… and where it is not, or one is mirrored or turned: of 256 films and 250 chest films none of two people came above
0.85."""

LEAST_DETAIL = 0.75
"""Correlation of fine details below which two pictures are not looked at closely: of 20,000 squares of films, chest
films,
ultrasound and tissue, none of 1,000 copies (smaller and compressed, brighter, mirrored) came below 0.91."""

_FINE, _COARSE = 16, 3
"""Side of the pictures whose details are compared, and of the neighbourhood whose mean is not one."""

_TOGETHER = 4096

_EXACT_BITS = 256
"""Whole numbers up to this are exact in bfloat16."""

_MIRRORED = 4
_WAYS = (0, 1, 2, 4, 5, 6, 7)
"""In which a picture may lie, see `_turned`: turned by a quarter to the other side, 3, is the other of a pair turned by
one quarter, 1."""

_TWO_QUESTIONS = (1, 5, 7)
"""Where rows become columns, the hash, which compares neighbours in a row, says one thing of the first picture turned
beside the second, and another of the second turned beside the first: either may tell that they are one."""

_SAMPLED = 1500
"""Pictures whose distances are taken for the usual ones."""

_FEWEST_SAMPLED = 10
"""Pictures below which nothing is known of usual distances."""


@dataclass(frozen=True)
class Twin:
    """Two items that show the same exposure."""

    first: int
    second: int
    kind: Kind


def near_duplicates(glances: Sequence[Glance]) -> list[Twin]:
    """The pairs of pictures that are the same by their hashes, numbered as given."""
    found: dict[tuple[int, int], Twin] = {}
    for rows in _by_planes(glances):
        own = [glances[row] for row in rows]
        signs = _signs(np.stack([one.bits for one in own]))
        most = MOST_BITS * (signs.shape[1] // BITS)
        unusual = most < unusual_below(signs)
        details = _details(own)
        for way in _WAYS if len(own[0].planes) == 1 else (0,):
            least_like = LEAST_LIKE if unusual and way == 0 else LEAST_LIKE_USUALLY  # 6 ways, 6 times the chance
            turned = (
                signs if way == 0 else _signs(np.stack([difference_hash(_turned(_plane(one), way)) for one in own]))
            )
            near = pairs_above(
                turned,
                signs.shape[1] - 2 * most,
                others=None if way == 0 else signs,
                also=_detail_alike(_turned_details(details, way), details),
                both_orders=way in _TWO_QUESTIONS,
            )
            for first, second in zip(*near, strict=True):
                place = (min(rows[first], rows[second]), max(rows[first], rows[second]))
                if place not in found and _like(glances[place[0]], glances[place[1]], way) >= least_like:
                    found[place] = Twin(*place, "mirrored or turned" if way else "same")
    return sorted(found.values(), key=lambda twin: (twin.first, twin.second))


def _details(glances: Sequence[Glance]) -> Tensor:
    """(n, planes * 16 * 16) float16, the planes without what is coarse, and of unit length together."""
    vectors = torch.empty(len(glances), len(glances[0].planes) * _FINE * _FINE, dtype=torch.float16)
    for row, one in enumerate(glances):
        small = [shrunk(plane.astype(np.float32), (_FINE, _FINE)) for plane in one.planes]
        fine = np.stack([plane - cv2.blur(plane, (_COARSE, _COARSE)) for plane in small]).ravel()
        fine -= fine.mean()
        vectors[row] = torch.from_numpy(fine / max(float(np.linalg.norm(fine)), 1e-6))
    return vectors


def _turned_details(details: Tensor, way: int) -> Tensor:
    """The details of flat pictures, turned as `_turned` turns the pictures."""
    if way == 0:
        return details
    planes = details.view(len(details), _FINE, _FINE)
    turned = torch.rot90(planes.flip(2) if way >= _MIRRORED else planes, way % 4, dims=(1, 2))
    return turned.reshape(len(details), -1)


def _detail_alike(turned: Tensor, details: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Which pairs agree roughly in their details: squares of tissue share hashes, too many to be looked at closely."""

    def alike(first: Tensor, second: Tensor) -> Tensor:
        kept = torch.zeros(len(first), dtype=torch.bool)
        for start in range(0, len(first), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            products = turned[first[part]].float() * details[second[part]].float()
            kept[part] = products.sum(dim=1) >= LEAST_DETAIL
        return kept

    return alike


def unusual_below(signs: Tensor) -> float:
    """The distance in bits below which two of these pictures are closer than chance would have it; -1 for too few.

    Args:
        signs: (n, d), +1 and -1.
    """
    if len(signs) < _FEWEST_SAMPLED:
        return -1.0
    step = -(-len(signs) // _SAMPLED)
    some = signs[::step].float()
    bits = signs.shape[1]
    apart = ((bits - some @ some.T) / 2).numpy()[np.triu_indices(len(some), 1)]
    middle = float(np.median(apart))
    spread = max(1.4826 * float(np.median(np.abs(apart - middle))), float(np.sqrt(bits)) / 2)
    return middle - UNUSUAL * spread


def groups_of(twins: Sequence[Twin], count: int) -> list[tuple[int, ...]]:
    """Items that are twins of each other, or of a common one, numbered as given; the largest groups first.

    Args:
        twins: Pairs among `count` items.
        count: How many items there are.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not twins:
        return []
    first, second = np.array([[twin.first, twin.second] for twin in twins]).T
    links = coo_array((np.ones(len(twins), np.int8), (first, second)), shape=(count, count))
    _, label = connected_components(links, directed=False)
    members: dict[int, list[int]] = {}
    for item in np.unique(np.concatenate([first, second])):
        members.setdefault(int(label[item]), []).append(int(item))
    return sorted((tuple(group) for group in members.values()), key=lambda group: (-len(group), group))


def _by_planes(glances: Sequence[Glance]) -> list[list[int]]:
    """Numbers of the flat images, and of the volumes; an empty picture is like every other and is left out."""
    kinds: dict[int, list[int]] = {}
    for number, one in enumerate(glances):
        if not one.empty:
            kinds.setdefault(len(one.planes), []).append(number)
    return [rows for rows in kinds.values() if len(rows) > 1]


def _signs(bits: BoolArray) -> Tensor:
    """(n, d) +1 and -1 of bits (n, d): the product of two rows is d less twice the bits in which they differ.

    In bfloat16, where the processor has it, as long as every such number is exact in it.
    """
    exact = bits.shape[1] <= _EXACT_BITS and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    signs = torch.from_numpy(bits.astype(np.float32) * 2 - 1)
    return signs.to(torch.bfloat16) if exact else signs


def _plane(one: Glance) -> FloatArray:
    plane: FloatArray = one.planes[0] / np.float32(255)
    return plane


def _turned(plane: FloatArray, way: int) -> FloatArray:
    """One of the eight ways in which a square can lie: turned by right angles, and from 4 on mirrored first."""
    turned = np.rot90(plane[:, ::-1] if way >= _MIRRORED else plane, way % 4)
    return np.ascontiguousarray(turned)


def _like(first: Glance, second: Glance, way: int) -> float:
    """Likeness, mean over the planes that are not flat, of two pictures of which one or the other is turned."""
    if way == 0 and first.shape == second.shape and np.array_equal(first.planes, second.planes):
        return 1.0
    ways = ((first, second), (second, first)) if way else ((first, second),)
    return max(
        _mean([likeness(_turned(a / np.float32(255), way), b / np.float32(255)) for a, b in _planes(*pair)])
        for pair in ways
    )


def _planes(first: Glance, second: Glance) -> list[tuple[FloatArray, FloatArray]]:
    return list(zip(first.planes, second.planes, strict=True))


def _mean(values: Sequence[float | None]) -> float:
    """The mean of what could be compared; 0 where nothing could."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0
