"""Layers painted onto slices: what a voxel shows, what it is, and what it is made of.

A voxel's value is the mean of what it covers, to first order: where a surface runs through, the new tissue counts by
the part of the voxel that lies behind it, taken from the distance of its middle and the width of the voxel along the
normal. A voxel is labelled by its middle alone, so a mask says of each middle on which side of the exact surface it
lies. Slices do not depend on which others are painted with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.datasets.phantom3d.grid import Grid
from hounsfield.datasets.phantom3d.layer import LABELS, Layer
from hounsfield.datasets.phantom3d.solids import Shape
from hounsfield.datasets.phantom3d.tissue import AIR, Tissue

_DIAGONAL = 1.2
"""Mean width of a square across all directions, over its side: between 1 and the square root of 2."""


@dataclass(frozen=True, eq=False)
class Slab:
    """Some neighbouring slices, (slices, height, width) each."""

    first: int
    """Index of the first of them in the image."""
    values: FloatArray
    """float32."""
    labels: IntArray
    """uint8, places in LABELS."""
    texture: FloatArray
    """float32, standard deviation of the slow changes within what a voxel is made of."""


def paint(layers: Sequence[Layer], grid: Grid, *, first: int, last: int, values: Mapping[str, float]) -> Slab:
    """The slices from `first` up to, not including, `last`.

    Args:
        layers: In the order of painting.
        grid: Of the whole image.
        first: Index of a slice.
        last: One past the last slice.
        values: What each tissue shows, by its name.
    """
    shape = (last - first, *grid.shape[1:])
    seen = np.full(shape, values[AIR.name], dtype=np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    tissues: dict[Tissue, int] = {AIR: 0}
    made_of = np.zeros(shape, dtype=np.uint8)
    for layer in layers:
        place = _place(layer.shape, grid, first, last)
        if place is None:
            continue
        cover, inside = _cover(layer.shape, grid, first, place)
        part = seen[place]
        part += cover * (np.float32(values[layer.tissue.name]) - part)
        labels[place][inside] = LABELS.index(layer.label)
        made_of[place][inside] = tissues.setdefault(layer.tissue, len(tissues))
    texture = np.array([tissue.texture for tissue in tissues], dtype=np.float32)
    return Slab(first, seen, labels, texture[made_of])


def number_parts(solids: Sequence[Shape], grid: Grid) -> IntArray:
    """(depth, height, width) uint8: 1 in the first solid, 2 in the second …, 0 elsewhere, by the middles of voxels."""
    numbers = np.zeros(grid.shape, dtype=np.uint8)
    for number, solid in enumerate(solids, start=1):
        place = _place(solid, grid, 0, grid.shape[0])
        if place is not None:
            numbers[place][_cover(solid, grid, 0, place)[1]] = number
    return numbers


_Place = tuple[slice, slice, slice]


def _place(shape: Shape, grid: Grid, first: int, last: int) -> _Place | None:
    """The voxels of a slab among which a shape, and the voxels its surface runs through, lie; None where none do."""
    low, high = shape.bounds
    limits = (first, last), (0, grid.shape[1]), (0, grid.shape[2])
    found = []
    for axis, (start, stop) in enumerate(limits):
        middle, step = (grid.shape[axis] - 1) / 2, grid.spacing_mm[axis]
        lowest, highest = (max(-1e9, min(1e9, edge[2 - axis] / step)) + middle for edge in (low, high))
        begin, end = max(start, int(np.floor(lowest - 0.5))), min(stop, int(np.ceil(highest + 0.5)) + 1)
        if begin >= end:
            return None
        found.append(slice(begin - start, end - start))
    return found[0], found[1], found[2]


def _cover(shape: Shape, grid: Grid, first: int, place: _Place) -> tuple[FloatArray, BoolArray]:
    """The part of each voxel that a shape covers, float32, and whether the voxel's middle lies inside."""
    step = grid.spacing_mm[0]
    heights = grid.axis(0)[first + place[0].start : first + place[0].stop]
    z = np.concatenate([[heights[0] - step], heights, [heights[-1] + step]])[:, np.newaxis, np.newaxis]
    y = grid.axis(1)[place[1]][np.newaxis, :, np.newaxis]
    x = grid.axis(2)[place[2]][np.newaxis, np.newaxis, :]
    signed = shape.signed(x, y, z)
    across = _DIAGONAL * (grid.spacing_mm[1] + grid.spacing_mm[2]) / 2
    if len(signed) == 1:  # the same at every height
        cover = np.clip(0.5 - signed / across, 0, 1).astype(np.float32)
        size = (len(heights), *signed.shape[1:])
        return np.broadcast_to(cover, size), np.broadcast_to(signed <= 0, size)
    level = signed[1:-1]
    upright = np.minimum(np.abs(signed[2:] - signed[:-2]) / (2 * step), 1).astype(np.float32)
    width = step * upright + np.float32(across) * np.sqrt(1 - upright * upright)
    cover = np.clip(0.5 - level.astype(np.float32) / width, 0, 1)
    return cover, level <= 0
