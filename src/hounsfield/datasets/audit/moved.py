"""Copies that were turned by any angle, cut or resized: found by what turning leaves alone, confirmed point by point.

Turning and cutting change a picture's hash altogether, but hardly the share of each tone and colour, nor what a network
sees in it. So each picture's nearest neighbours by both are candidates, and distinct points are looked for in both
pictures of a candidate pair. How many points two different pictures have in common depends on the data (all chest films
show ribs), so it is first measured on pairs drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hounsfield.datasets.audit.aligned import Points, points_in_common, points_of
from hounsfield.datasets.audit.features import can_look, features_of
from hounsfield.datasets.audit.glance import Glance, middle_planes
from hounsfield.datasets.audit.similar import nearest
from hounsfield.datasets.audit.twins import Twin
from hounsfield.datasets.case import ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.preprocessing.display import Display

BY_TONES, BY_FEATURES = 8, 4
"""Neighbours of each picture that are candidates."""

MOST_PAIRS = 5000
"""Candidates that are confirmed or not, the most alike first: 6 to 18 s on two cores, for 504 to 1,304 images."""

FEWEST_POINTS = 12
"""In common, from which on two pictures are one …"""

TIMES_CHANCE = 3.0
"""… if these are this many times what all but a hundredth of random pairs have in common."""

_RANDOM_PAIRS = 200
_FEWEST_RANDOM = 20
_BATCH = 256


def moved_copies(
    refs: Sequence[ImageRef], glances: Sequence[Glance], known: Sequence[Twin], *, most_pairs: int = MOST_PAIRS
) -> tuple[list[Twin], int]:
    """Pairs of flat pictures that are the same one moved, numbered as given, and how many candidates were passed over.

    Args:
        refs: The pictures.
        glances: What was kept of each.
        known: Pairs that are left out, for they need not be found.
        most_pairs: Candidates that are looked at closely.
    """
    flat = [number for number, one in enumerate(glances) if len(one.planes) == 1 and not one.empty]
    there = {(twin.first, twin.second) for twin in known}
    near = [(flat[a], flat[b]) for a, b in _candidates([glances[number] for number in flat])]
    candidates = [pair for pair in near if pair not in there]
    pairs = candidates[:most_pairs]
    if not pairs:
        return [], len(candidates)
    chance = _random_pairs(flat, {*near, *there})
    wanted = sorted({number for pair in (*pairs, *chance) for number in pair})
    looks = in_threads(lambda number: _points(refs[number]), wanted, "looking for points")
    points = {number: look for number, look in zip(wanted, looks, strict=True) if isinstance(look, Points)}

    def common(pair: tuple[int, int]) -> int:
        return points_in_common(points[pair[0]], points[pair[1]]) if set(pair) <= points.keys() else 0

    by_chance = [count for count in in_threads(common, chance, "comparing at random") if isinstance(count, int)]
    usual = float(np.quantile(by_chance, 0.99)) if len(by_chance) >= _FEWEST_RANDOM else 0.0
    least = max(FEWEST_POINTS, TIMES_CHANCE * usual)
    counts = in_threads(common, pairs, "looking for turned copies")
    enough = [isinstance(count, int) and count >= least for count in counts]
    found = [Twin(*pair, "moved") for pair, moved in zip(pairs, enough, strict=True) if moved]
    return found, len(candidates) - len(pairs)


def _candidates(glances: Sequence[Glance]) -> list[tuple[int, int]]:
    """Pairs of neighbours, the most alike first."""
    if len(glances) < 2:
        return []
    views = [(_centred(torch.from_numpy(np.stack([one.tones for one in glances]))), BY_TONES)]
    if can_look():
        views.append((_features(glances), BY_FEATURES))
    ranks: dict[tuple[int, int], float] = {}
    for vectors, count in views:
        first, second, alike = nearest(vectors, count)
        order = np.argsort(-alike, kind="stable")
        for rank, place in enumerate(order.tolist()):  # the scales of the views differ, so their ranks are merged
            pair = (int(first[place]), int(second[place]))
            ranks[pair] = min(rank / len(order), ranks.get(pair, 1.0))
    return sorted(ranks, key=lambda pair: ranks[pair])


def _features(glances: Sequence[Glance]) -> Tensor:
    batches = [
        features_of(torch.from_numpy(np.stack([one.planes for one in glances[start : start + _BATCH]])))
        for start in range(0, len(glances), _BATCH)
    ]
    return _centred(torch.cat(batches))


def _centred(vectors: Tensor) -> Tensor:
    """Of unit length around their middle, every column of one spread."""
    spread = vectors.std(dim=0).clamp_min(1e-6)
    return torch.nn.functional.normalize((vectors - vectors.mean(dim=0)) / spread, dim=1)


def _random_pairs(numbers: Sequence[int], near: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs drawn at random, none of them `near`: what two different pictures have in common is wanted."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(numbers), size=(_RANDOM_PAIRS, 2))
    pairs = [(numbers[min(pair)], numbers[max(pair)]) for pair in drawn.tolist() if pair[0] != pair[1]]
    return [pair for pair in pairs if pair not in near]


def _points(ref: ImageRef) -> Points:
    return points_of(middle_planes(Display().apply(load(ref).apart[0]))[0])
