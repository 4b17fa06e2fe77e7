"""What is labelled as solids: each label a surface in its colour, and of glass where it holds another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.findings.box import Part, bounding_box, starts
from hounsfield.findings.holes import OUTSIDE, enclosed_parts
from hounsfield.image import Mask
from hounsfield.reporting.coarse import coarse
from hounsfield.reporting.colours import Colour
from hounsfield.reporting.solid_view import Solid
from hounsfield.reporting.surface_net import SurfaceNet, surface_net

Sides: TypeAlias = tuple[int, int, int]

_MOST_VOXELS = 3_000_000
"""Of the box around a solid."""

HOLDING, BESIDE = 0.1, 0.3
"""Densities of glass that something lies in, and of glass that may lie before it."""

_HOLDS = 0.5
"""Share of what is around a solid that another one must take to hold it."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """A label, on the image's grid."""

    box: Part
    """The smallest around it."""
    inside: BoolArray
    """In its box."""
    colour: Colour


@dataclass(frozen=True, eq=False)
class _Coarse:
    """The same on larger voxels."""

    start: IntArray
    """(3,), of the box."""
    inside: BoolArray
    colour: Colour

    @property
    def stop(self) -> IntArray:
        """(3,)."""
        stop: IntArray = self.start + self.inside.shape
        return stop


def labels_of(mask: Mask, colours: Sequence[Colour]) -> Iterator[Labelled]:
    """Every label that is on an image, in its colour; of instances all those of a colour together.

    Args:
        mask: Of the image.
        colours: Of labels, or of instances by their number, in turn.
    """
    from scipy import ndimage

    if mask.instances or not mask.exclusive:
        parts: Iterator[tuple[int, BoolArray]] = enumerate(where for _, where in mask.parts())
        if mask.instances:
            parts = (
                (place, (mask.labels > 0) & (mask.labels % len(colours) == place)) for place in range(len(colours))
            )
        for place, where in parts:
            box = bounding_box(where)
            if box is not None:
                yield Labelled(box, where[box], colours[place % len(colours)])
        return
    for place, found in enumerate(ndimage.find_objects(mask.labels)[: len(mask.names)]):
        if found is not None:
            yield Labelled(found, mask.labels[found] == place + 1, colours[place % len(colours)])


def solids_of_mask(mask: Mask, affine: FloatArray, colours: Sequence[Colour], *, finest_mm: float) -> list[Solid]:
    """Every label that is on an image as a solid, of glass where it holds another one.

    Args:
        mask: Of the image.
        affine: (4, 4), of its grid, array index to LPS mm.
        colours: Of labels, or of instances by their number, in turn.
        finest_mm: What is smaller need not be seen.
    """
    box = bounding_box(mask.labels > 0)
    if box is None:
        return []
    mask, affine = replace(mask, labels=mask.labels[box]), geometry.cropped(affine, starts(box))
    blocks = blocks_for(mask.labels.shape, affine, finest_mm)
    labelled = [_coarse(one, blocks) for one in labels_of(mask, colours)]
    return [
        Solid(_net(one, affine, blocks), one.colour, HOLDING if holds else 1.0)
        for one, holds in zip(labelled, _holding(labelled), strict=True)
    ]


def solid_of(one: Labelled, affine: FloatArray, *, density: float, finest_mm: float) -> Solid:
    """A label as a solid.

    Args:
        one: The label.
        affine: (4, 4), of its grid, array index to LPS mm.
        density: Below 1 it is of glass.
        finest_mm: What is smaller need not be seen.
    """
    blocks = blocks_for([side.stop - side.start for side in one.box], affine, finest_mm)
    return Solid(_net(_coarse(one, blocks), affine, blocks), one.colour, density)


def blocks_for(shape: Sequence[int], affine: FloatArray, finest_mm: float) -> Sides:
    """How many voxels along each axis one is made of, so that there are few enough and they are as deep as wide.

    Args:
        shape: (d, h, w) that solids lie in.
        affine: (4, 4), of the grid.
        finest_mm: What is smaller need not be seen.
    """
    spacing = geometry.spacing_mm(affine)
    while True:
        deep, high, wide = (min(255, max(1, round(finest_mm / one))) for one in spacing)
        if shape[0] // deep * (shape[1] // high) * (shape[2] // wide) <= _MOST_VOXELS:
            return deep, high, wide
        finest_mm *= 1.1


def _net(one: _Coarse, affine: FloatArray, blocks: Sides) -> SurfaceNet:
    start = (int(one.start[0]), int(one.start[1]), int(one.start[2]))
    return surface_net(one.inside, geometry.cropped(geometry.resized(affine, blocks, (1, 1, 1)), start))


def _coarse(one: Labelled, blocks: Sides) -> _Coarse:
    start = np.array([side.start // block for side, block in zip(one.box, blocks, strict=True)])
    before = [(side.start % block, 0) for side, block in zip(one.box, blocks, strict=True)]
    inside = np.pad(one.inside, before) if any(more for more, _ in before) else one.inside
    return _Coarse(start, coarse(inside, blocks), one.colour)


def _holding(solids: Sequence[_Coarse]) -> list[bool]:
    """Of each whether it holds another one: takes more than half of what lies around it, or goes around that in each
    slice, as the skin does."""
    holds = [False] * len(solids)
    filled: dict[int, BoolArray] = {}
    for held in solids:
        shell = _shell(np.pad(held.inside, 1))
        start = held.start - 1
        for number, other in enumerate(solids):
            low, high = np.maximum(start, other.start), np.minimum(held.stop + 1, other.stop)
            if other is held or holds[number] or np.any(low >= high):
                continue
            if np.prod(high - low) <= _HOLDS * np.prod(held.inside.shape):  # too little of it
                continue
            if number not in filled:
                filled[number] = _filled(other.inside)
            ours = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
            theirs = tuple(slice(a, b) for a, b in zip(low - other.start, high - other.start, strict=True))
            around = np.count_nonzero(shell[ours] & filled[number][theirs])
            holds[number] = bool(around > _HOLDS * np.count_nonzero(shell))
    return holds


def _filled(inside: BoolArray) -> BoolArray:
    """With what it goes around in each slice, small gaps aside."""
    import cv2

    filled = np.zeros_like(inside)
    for own, flat in zip(filled, inside.view(np.uint8), strict=True):
        tight = cv2.morphologyEx(np.ascontiguousarray(flat), cv2.MORPH_CLOSE, np.ones((5, 5), dtype=np.uint8))
        own[:] = enclosed_parts(tight.view(np.bool_)) != OUTSIDE
    return filled


def _shell(inside: BoolArray) -> BoolArray:
    """The voxels beside what is inside, across their faces."""
    from scipy import ndimage

    shell: BoolArray = ndimage.binary_dilation(inside) & ~inside
    return shell
