"""How far apart two convex solids lie, and where they come closest, by the algorithm of Gilbert, Johnson and Keerthi.

Between cores of points and lines (balls, capsules) it ends in a few steps with the exact answer. With ellipsoids, lobes
and drums it goes on until the lower bound that its support points prove is within 1e-6 mm of the distance it found.

Reference:
    Gilbert, Johnson, Keerthi, IEEE Journal on Robotics and Automation 4 (1988), doi:10.1109/56.2083.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.solids import Solid

TOLERANCE_MM = 1e-6
"""Between the distance and the lower bound that proves it."""
_TOUCHING_MM = 1e-9
_STEPS = 400
_FLAT = 1e-24
"""Squared mm: an edge so near to the plane of the others adds nothing."""


@dataclass(frozen=True, eq=False)
class Gap:
    """The shortest way between two surfaces."""

    distance_mm: float
    """0 where they touch or cross."""
    here: FloatArray
    """(3,), its end on the first solid, LPS mm."""
    there: FloatArray
    """(3,), its end on the second one; the same point where the surfaces touch or cross."""


def gap(first: Solid, second: Solid, *, limit_mm: float = math.inf) -> Gap | None:
    """The shortest way from one solid to another that lies apart from it; None where they touch or overlap.

    Args:
        first: One solid.
        second: The other.
        limit_mm: Once they are known to lie further apart than this, any longer way is good enough.
    """
    margins = first.margin + second.margin
    here, there = _closest_cores(first, second, limit_mm + margins)
    between = there - here
    distance = float(np.linalg.norm(between))
    if distance - margins <= _TOUCHING_MM:
        return None
    unit = between / distance
    return Gap(distance - margins, here + first.margin * unit, there - second.margin * unit)


def apart(first: Solid, second: Solid, least_mm: float) -> bool:
    """Whether two solids lie at least so far from each other; their bounds answer first."""
    low, high = first.bounds
    other_low, other_high = second.bounds
    between = np.maximum(np.maximum(low - other_high, other_low - high), 0)
    if float(between @ between) > least_mm**2:
        return True
    way = gap(first, second, limit_mm=least_mm)
    return way is not None and way.distance_mm >= least_mm


def _closest_cores(first: Solid, second: Solid, limit_mm: float) -> tuple[FloatArray, FloatArray]:
    """The two points, one of each core, that lie closest; the same point where the cores meet."""
    start = np.ones(3)
    here: list[FloatArray] = [first.core(start)]
    there: list[FloatArray] = [second.core(-start)]
    corners: list[FloatArray] = [there[0] - here[0]]
    weights = [1.0]
    for _ in range(_STEPS):
        way = np.asarray(weights) @ np.asarray(corners)
        length = math.sqrt(float(way @ way))
        if length < _TOUCHING_MM:
            break
        unit = way / length
        one, other = first.core(unit), second.core(-unit)
        lower = float((other - one) @ unit)
        if length - lower <= TOLERANCE_MM or lower > limit_mm:
            break
        here, there, corners = [*here, one], [*there, other], [*corners, other - one]
        kept, weights = _nearest(corners)
        here, there, corners = ([points[place] for place in kept] for points in (here, there, corners))
    return np.asarray(weights) @ np.array(here), np.asarray(weights) @ np.array(there)


def _nearest(corners: Sequence[FloatArray]) -> tuple[tuple[int, ...], list[float]]:
    """The corners, of up to 5, on whose simplex the point nearest to the origin lies, and its weights on them.

    Only simplices that hold the last corner are tried: without it there was nothing nearer.
    """
    points = [corner.tolist() for corner in corners]
    last = len(points) - 1
    best: tuple[float, tuple[int, ...], list[float]] = (math.inf, (last,), [1.0])
    for others in itertools.chain.from_iterable(itertools.combinations(range(last), count) for count in range(4)):
        chosen = (*others, last)
        weights = _foot([points[place] for place in chosen])
        if min(weights) <= 0:
            continue
        foot = [sum(weight * points[place][k] for weight, place in zip(weights, chosen, strict=True)) for k in range(3)]
        squared = _dot(foot, foot)
        if squared < best[0]:
            best = squared, chosen, weights
    return best[1], best[2]


def _foot(corners: Sequence[list[float]]) -> list[float]:
    """Weights of the point nearest to the origin on the plane through corners; a negative one where it lies outside.

    Least squares by Gram and Schmidt, in plain numbers: arrays of three cost more than they hold.
    """
    base, edges = corners[-1], [[a - b for a, b in zip(corner, corners[-1], strict=True)] for corner in corners[:-1]]
    upright: list[list[float]] = []
    mixed: list[list[float]] = []
    for edge in edges:
        shares = []
        for axis in upright:
            share = _dot(edge, axis) / _dot(axis, axis)
            edge = [a - share * b for a, b in zip(edge, axis, strict=True)]
            shares.append(share)
        if _dot(edge, edge) < _FLAT:
            return [-1.0]
        upright.append(edge)
        mixed.append(shares)
    found = [-_dot(base, axis) / _dot(axis, axis) for axis in upright]
    for row in reversed(range(len(found))):
        for column, share in enumerate(mixed[row]):
            found[column] -= share * found[row]
    return [*found, 1 - sum(found)]


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
