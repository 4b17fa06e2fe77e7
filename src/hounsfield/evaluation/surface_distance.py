"""How far two surfaces lie from each other, in mm: Hausdorff distance, mean distance, surface Dice.

Exact Euclidean distances, at the surfaces only: of most places the other surface is a step or two away, so that the
steps are tried, the shortest first, until one arrives; for the few places that are farther a tree finds the nearest.

A surface is taken in one of two ways, which differ by up to a voxel and are named beside every figure: as *elements*,
the polygons between voxels, each with its area; or as *edge voxels*, those of the mask that have a neighbour outside,
all of one weight.

Reference:
    Nikolov et al., "Clinically applicable segmentation of head and neck anatomy for radiotherapy" (2021),
    doi:10.2196/26151 (surface Dice, areas as weights); Huttenlocher et al., "Comparing images using the Hausdorff
    distance" (1993), doi:10.1109/34.232073; Taha, Hanbury, "Metrics for evaluating 3D medical image segmentation"
    (2015), doi:10.1186/s12880-015-0068-x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import ShapeError
from hounsfield.findings.box import bounding_box
from hounsfield.findings.surface_pieces import cell_codes, pieces

Surface = Literal["elements", "edge voxels"]

STEPS = 400
"""That are tried before a tree is built."""

_FEW = 64
"""Places for which the steps go on no longer."""


@dataclass(frozen=True, eq=False)
class OneWay:
    """From each place of a surface to the other surface."""

    distances: FloatArray
    """(n,), mm, rising; infinite where the other surface is empty."""
    sizes: FloatArray
    """(n,), the places' areas in mm², lengths in mm, or 1."""

    @property
    def size(self) -> float:
        """Of the whole surface."""
        return float(self.sizes.sum())

    @property
    def mean(self) -> float:
        """mm; NaN where there is no surface."""
        return float(self.distances @ self.sizes / self.size) if len(self.sizes) else float("nan")

    def within(self, tolerance_mm: float) -> float:
        """How much of the surface is no farther than that."""
        return float(self.sizes[: np.searchsorted(self.distances, tolerance_mm, side="right")].sum())

    def percentile(self, percent: float) -> float:
        """The distance, in mm, that so many percent of the surface do not exceed; NaN where there is no surface."""
        if not len(self.sizes):
            return float("nan")
        share = np.cumsum(self.sizes) / self.size
        return float(self.distances[min(int(np.searchsorted(share, percent / 100)), len(share) - 1)])


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Between two surfaces, both ways."""

    there: OneWay
    """From the prediction to the reference."""
    back: OneWay

    def hausdorff(self, percent: float = 95.0) -> float:
        """The larger of the two ways' percentiles, mm; 100 is the Hausdorff distance.

        0 where both are empty, infinite where one is.
        """
        if not len(self.there.sizes) and not len(self.back.sizes):
            return 0.0
        if not len(self.there.sizes) or not len(self.back.sizes):
            return float("inf")
        return max(self.there.percentile(percent), self.back.percentile(percent))

    @property
    def mean(self) -> float:
        """Mean over both surfaces (ASSD), mm; 0 where both are empty, infinite where one is."""
        if not len(self.there.sizes) and not len(self.back.sizes):
            return 0.0
        ways = [way for way in (self.there, self.back) if len(way.sizes)]
        return sum(way.mean * way.size for way in ways) / sum(way.size for way in ways)

    def surface_dice(self, tolerance_mm: float) -> float:
        """Share of both surfaces that lies within a tolerance of the other (NSD); 1 where both are empty."""
        whole = self.there.size + self.back.size
        return (self.there.within(tolerance_mm) + self.back.within(tolerance_mm)) / whole if whole else 1.0


def surface_distances(
    prediction: BoolArray, reference: BoolArray, spacing_mm: Sequence[float], *, surface: Surface = "elements"
) -> SurfaceDistances:
    """Distances between the surfaces of two masks.

    Args:
        prediction: (h, w) or (d, h, w).
        reference: As large.
        spacing_mm: Between voxels along each axis.
        surface: What the surfaces are.

    Raises:
        ShapeError: The masks differ in shape, or there is not one spacing for each axis.
    """
    if prediction.shape != reference.shape or len(spacing_mm) != prediction.ndim:
        raise ShapeError(
            f"masks of shape {prediction.shape} and {reference.shape} with {len(spacing_mm)} spacings cannot be "
            "compared: bring both onto one grid, with a spacing for each axis"
        )
    either = prediction | reference
    box = bounding_box(either if either.ndim == 3 else either[None])
    parts = [mask[:0] if box is None else mask[box[-mask.ndim :]] for mask in (prediction, reference)]
    ours, theirs = (_places(np.pad(part, 1), surface) for part in parts)
    sizes = pieces(tuple(map(float, spacing_mm)))[1].sum(axis=1) if surface == "elements" else np.array([0.0, 1.0])
    return SurfaceDistances(_one_way(ours, theirs, sizes, spacing_mm), _one_way(theirs, ours, sizes, spacing_mm))


def _places(mask: BoolArray, surface: Surface) -> IntArray:
    """Kind of each place, 0 where the surface is not: a cell's code, or 1 at edge voxels."""
    if surface == "elements":
        codes = cell_codes(mask)
        return np.where(codes == 2 ** (2**mask.ndim) - 1, 0, codes).astype(np.uint8)
    inner = mask[(slice(1, -1),) * mask.ndim].copy()
    whole = inner.copy()
    for axis in range(mask.ndim):
        for first in (0, 2):
            span = [slice(1, -1)] * mask.ndim
            span[axis] = slice(first, mask.shape[axis] - 2 + first)
            inner &= mask[tuple(span)]
    edges: IntArray = (whole & ~inner).astype(np.uint8)
    return edges


def _one_way(start: IntArray, goal: IntArray, sizes: FloatArray, spacing: Sequence[float]) -> OneWay:
    """From where `start` is not 0 to the nearest place where `goal` is not."""
    places = np.flatnonzero(start)
    own = sizes[start.ravel()[places]]
    distances = _nearest(places, goal, spacing)
    order = np.argsort(distances, kind="stable")
    return OneWay(distances[order], own[order])


def _nearest(places: IntArray, goal: IntArray, spacing: Sequence[float]) -> FloatArray:
    """Distance of places, rows of an array like `goal`, to the nearest place where that is not 0."""
    distances = np.full(len(places), np.inf)
    if not len(places) or not goal.any():
        return distances
    steps, lengths = _steps(tuple(float(one) for one in spacing))
    reach = np.abs(steps).max(axis=0)
    there = np.pad(goal > 0, [(int(one), int(one)) for one in reach])
    strides = np.array([int(np.prod(there.shape[axis + 1 :])) for axis in range(there.ndim)])
    index = np.unravel_index(places, goal.shape)
    rows = sum((axis + one) * stride for axis, one, stride in zip(index, reach, strides, strict=True))
    left, flat = np.arange(len(places)), there.ravel()
    for step, length in zip((steps * strides).sum(axis=1), lengths, strict=True):
        found = flat[rows + step]
        distances[left[found]] = length
        left, rows = left[~found], rows[~found]
        if len(left) < _FEW:
            break
    if len(left):
        distances[left] = _by_tree(places[left], goal, spacing)
    return distances


def _by_tree(places: IntArray, goal: IntArray, spacing: Sequence[float]) -> FloatArray:
    from scipy.spatial import cKDTree

    points = np.argwhere(goal) * np.asarray(spacing)
    tree = cKDTree(points, compact_nodes=False, balanced_tree=False)
    wanted = np.stack(np.unravel_index(places, goal.shape), axis=1) * np.asarray(spacing)
    found: FloatArray = tree.query(wanted)[0]
    return found


@lru_cache(maxsize=16)
def _steps(spacing: tuple[float, ...]) -> tuple[IntArray, FloatArray]:
    """Steps (n, dims) on the grid, the shortest first and all up to some length, and their lengths in mm."""
    dims = len(spacing)
    reach = (STEPS * np.prod(spacing)) ** (1 / dims)
    sides = [range(-int(reach / one), int(reach / one) + 1) for one in spacing]
    steps = np.array(list(product(*sides)))
    lengths = np.sqrt(((steps * np.asarray(spacing)) ** 2).sum(axis=1))
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= reach][:STEPS]
    return steps[order], lengths[order]
