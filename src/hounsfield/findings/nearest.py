"""From every piece of a lesion's surface to the nearest piece of a structure's, looking no further than is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import Part, grown
from hounsfield.findings.surface import Surface, surface_within

_FIRST_REACH_MM = 20.0
"""How far around the lesion is looked at first."""

_FEW = 500
"""Pieces of the lesion that tell how far there is to look."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of each piece of the lesion's surface."""

    distances: FloatArray
    """(n,), mm, exact Euclidean distances between the centres of pieces; infinite where the structure has no
    surface."""
    points_mm: FloatArray
    """(n, 3), LPS, centre of the structure's nearest piece; NaN where it has no surface."""


def nearest(lesion: Surface, lesion_part: Part, structure: BoolArray, affine: FloatArray) -> Nearest:
    """The nearest piece of a structure's surface, for every piece of a lesion's.

    The part of the image that is searched grows until nothing outside of it can be nearer.

    Args:
        lesion: Its surface.
        lesion_part: The box around it.
        structure: (depth, height, width). Where it goes on beyond the image it has no surface.
        affine: (4, 4), array index to LPS mm.
    """
    spacing = geometry.spacing_mm(affine)
    whole = tuple(slice(0, length) for length in structure.shape)
    reach = _FIRST_REACH_MM
    while True:
        part = grown(lesion_part, structure.shape, reach, spacing)
        there = surface_within(structure, affine, part)
        bound = _no_farther_than(lesion, there) if len(there.areas) else 2 * reach
        if part == whole or bound <= reach:
            break
        reach = bound
    if not len(there.areas):
        return Nearest(np.full(len(lesion.areas), np.inf), np.full((len(lesion.areas), 3), np.nan))
    distances, places = _tree(there.points_mm).query(lesion.points_mm)
    return Nearest(distances, there.points_mm[places])


def _no_farther_than(lesion: Surface, structure: Surface) -> float:
    """A distance that no piece of the lesion exceeds: that of a few of them, and the way from the others to these."""
    few = lesion.points_mm[:: max(1, len(lesion.areas) // _FEW)]
    ways, nearest_few = _tree(few).query(lesion.points_mm)
    return float((ways + _tree(structure.points_mm).query(few)[0][nearest_few]).max())


def _tree(points: FloatArray) -> Any:
    """Points on a grid lie on the tree's own cuts, where the usual, balanced tree is ten times slower."""
    from scipy.spatial import cKDTree

    return cKDTree(points, compact_nodes=False, balanced_tree=False)
