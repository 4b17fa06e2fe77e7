"""A named structure, and the shortest way from a tumour's surface to its surface."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.depth import depth
from hounsfield.datasets.phantom3d.separation import Gap, gap
from hounsfield.datasets.phantom3d.solids import Capsule, Ellipsoid, Solid, unit

Relation = Literal["outside", "within", "touching"]

_SAMPLES = 500
"""Points on a tumour's surface among which one inside a structure is looked for, where they overlap."""


@dataclass(frozen=True, eq=False)
class Structure:
    """An organ, a bone, a vessel: the union of one or more convex solids."""

    name: str
    parts: tuple[Solid, ...]


@dataclass(frozen=True, eq=False)
class Distance:
    """From a tumour to a structure."""

    structure: str
    relation: Relation
    """"within": the tumour lies inside of the structure, and the way leads out to its surface."""
    gap: Gap


def measure(tumour: Capsule | Ellipsoid, structure: Structure) -> Distance:
    """The shortest way from a tumour's surface to a structure's surface; 0 where they touch or overlap.

    A tumour within a structure is measured to the surface of the one part it lies in: structures that hold tumours
    have one part.
    """
    center = tumour.center if isinstance(tumour, Ellipsoid) else tumour.start
    reach = float(tumour.semi_axes.max()) if isinstance(tumour, Ellipsoid) else tumour.radius
    best: Gap | None = None
    for lower, part in _by_bound(center, reach, structure):
        if best is not None and lower >= best.distance_mm:
            break
        if part.holds(center) and (inside := depth(tumour, part)) is not None:
            return Distance(structure.name, "within", inside)
        found = _way(tumour, part, math.inf if best is None else best.distance_mm)
        if found is None:
            point = _shared(tumour, part)
            return Distance(structure.name, "touching", Gap(0.0, point, point))
        if best is None or found.distance_mm < best.distance_mm:
            best = found
    if best is None:
        raise ValueError(f"the structure {structure.name} has no part")
    return Distance(structure.name, "outside", best)


def _by_bound(center: FloatArray, reach: float, structure: Structure) -> list[tuple[float, Solid]]:
    """The parts, each with a distance it is at least away, the nearest first."""
    bounds = [part.bounds for part in structure.parts]
    lows, highs = np.array([low for low, _ in bounds]), np.array([high for _, high in bounds])
    outside = np.maximum(np.maximum(lows - center, center - highs), 0)
    lower = np.linalg.norm(outside, axis=1) - reach
    return [(float(lower[place]), structure.parts[place]) for place in np.argsort(lower, kind="stable")]


def _way(tumour: Capsule | Ellipsoid, part: Solid, limit_mm: float) -> Gap | None:
    """In closed form between a ball and a capsule, else by `separation.gap`; None where they touch or overlap."""
    if not (isinstance(tumour, Capsule) and isinstance(part, Capsule)):
        return gap(tumour, part, limit_mm=limit_mm)
    axis = part.end - part.start
    squared = float(axis @ axis)
    along = min(max(float((tumour.start - part.start) @ axis) / squared, 0.0), 1.0) if squared > 0 else 0.0
    way = part.start + along * axis - tumour.start
    length = float(np.linalg.norm(way))
    apart = length - tumour.radius - part.radius
    if apart <= 0:
        return None
    ahead = way / length
    return Gap(apart, tumour.start + tumour.radius * ahead, tumour.start + (tumour.radius + apart) * ahead)


def _shared(tumour: Capsule | Ellipsoid, part: Solid) -> FloatArray:
    """A point of both surfaces where they cross; where none is found, the tumour's point that lies deepest in the part.

    On the way over the tumour's surface from a point inside the part to one outside, halved until it is short.
    """
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((_SAMPLES, 3))
    points = tumour.support(directions)
    levels = part.signed(points[:, 0], points[:, 1], points[:, 2])
    inner, outer = directions[levels.argmin()], directions[levels.argmax()]
    if levels.min() > 0 or levels.max() <= 0:
        return np.asarray(points[levels.argmin()])
    inner, outer = unit(inner), unit(outer)
    for _ in range(60):
        middle = (inner + outer) / 2
        if part.holds(tumour.support(middle)):
            inner = middle
        else:
            outer = middle
    return np.asarray(tumour.support((inner + outer) / 2))
