"""Instances: each object of one label by itself, however closely it touches others.

Of every voxel a network says whether it is nothing, the inside of an object, or its border: the two outermost layers of
its voxels, so that four layers lie between the insides of two objects that touch; of small objects one layer, of the
smallest none. Layers are as thick as voxels are where they lie closest: where slices lie far apart, the border runs
around the object within each slice, however few slices it is on, and not over all of its first and last one. Where an
object touches another there is border in any case, unless no inside would be left of it.

Parts of the inside that hang together are then the seeds of objects, and grow over the border that is nearest to them.
This needs no more of an image than what each voxel is, so that objects are told apart on whole images, however many
windows they were looked at in, and none is cut in two.

Reference:
    Caicedo et al., "Evaluation of deep learning strategies for nucleus segmentation in fluorescence images" (2019),
    doi:10.1002/cyto.a.23863 (inside and border as classes); Beucher, Meyer, "The morphological approach to
    segmentation: the watershed transformation" (1993), doi:10.1201/9781482277234-12 (growing from seeds).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.image import Mask
from hounsfield.tasks.growing import grown, steps_of
from hounsfield.tasks.segmentation import UNKNOWN, Segmentation

INSIDE, BORDER = 1, 2
"""Codes of voxels of an object."""

LAYERS = 2
"""How far the border of an object reaches, in steps between the voxels that lie closest, at most, and at most half the
way from outside to its middle."""


@dataclass(frozen=True)
class Instances(Segmentation):
    """An object, or none, for every voxel; `labels` is the one name of all of them."""

    smallest: int = 0
    """Voxels of an object; smaller ones are not outlined."""
    by_grid: ClassVar[bool] = True

    @cached_property
    def known(self) -> tuple[int, ...]:
        """The codes themselves: on masks any number is an object."""
        return INSIDE, BORDER

    @cached_property
    def exclusive(self) -> bool:
        """A voxel is the inside of an object, its border, or nothing."""
        return True

    @property
    def outputs(self) -> int:
        """Nothing, inside and border."""
        return 3

    @cached_property
    def of_code(self) -> Tensor:
        """(codes, outputs): each code asks for its own."""
        return torch.eye(self.outputs)

    def codes(self, numbers: IntArray, spacing: Sequence[float] = ()) -> IntArray:
        """uint8 codes of the objects of a mask (d, h, w).

        An object that ends at the image's edge, or where nobody knows, has no border there.
        """
        unknown = numbers == self.unlabelled if self.unlabelled else np.zeros(numbers.shape, dtype=bool)
        there = (numbers > 0) & ~unknown
        depth = _to_outside(numbers, unknown, steps_of(numbers.shape, spacing))[there]
        every, place = np.unique(numbers[there], return_inverse=True)
        deepest = np.zeros(len(every), dtype=depth.dtype)
        np.maximum.at(deepest, place, depth)
        border = depth <= np.minimum(deepest[place] / 2, LAYERS)
        touching = _touching(numbers, there)[there]
        something_left = np.zeros(len(every), dtype=bool)
        something_left[place[~(border | touching)]] = True
        codes = np.where(unknown, UNKNOWN, 0).astype(np.uint8)
        codes[there] = np.where(border | (touching & something_left[place]), BORDER, INSIDE)
        return codes

    def labelled(self, logits: Tensor) -> Tensor:
        """Codes (…) of logits (3, …): nothing where that is likelier than inside and border together."""
        nothing, inside, border = logits
        there = torch.logaddexp(inside, border) > nothing
        codes: Tensor = there * torch.where(border > inside, BORDER, INSIDE)
        return codes

    def outline(self, said: IntArray, spacing: Sequence[float] = ()) -> Mask:
        """What `labelled` gave as objects, numbered from 1."""
        return Mask(_large(objects_of(said, spacing), self.smallest), self.labels, instances=True)

    def truth(self, numbers: IntArray) -> Mask:
        """A mask as an outline; voxels that nobody knows are nothing."""
        known = (numbers > 0) & (numbers != self.unlabelled)
        return Mask(np.where(known, numbers, 0), self.labels, instances=True)

    def counts(self, said: IntArray, codes: IntArray) -> FloatArray:
        """(1, 3): voxels of both, of what was said, and of the truth, of all objects together."""
        known = codes != UNKNOWN
        ours, theirs = (said > 0) & known, (codes > 0) & known
        return np.array([[np.count_nonzero(one) for one in (ours & theirs, ours, theirs)]], dtype=np.float64)


def _faces(axes: int) -> Iterator[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
    """Each axis, and the voxels on both sides of all faces across it."""
    for axis in range(axes):
        before, after = ([slice(None)] * axes for _ in range(2))
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        yield axis, tuple(before), tuple(after)


def _to_outside(numbers: IntArray, unknown: BoolArray, steps: Sequence[float]) -> FloatArray:
    """float32, how far it is over faces to the nearest voxel that is known to have another number; infinitely far where
    none has."""
    found = np.full(numbers.shape, np.inf, dtype=np.float32)
    for axis, before, after in _faces(numbers.ndim):
        differ = (numbers[before] != numbers[after]) & ~unknown[before] & ~unknown[after]
        for side in (before, after):
            np.minimum(found[side], steps[axis], out=found[side], where=differ)
    for axis, step in enumerate(steps):
        along = np.moveaxis(found, axis, 0)
        for line in (along, along[::-1]):
            for place in range(1, len(line)):
                np.minimum(line[place], line[place - 1] + np.float32(step), out=line[place])
    return found


def _touching(numbers: IntArray, there: BoolArray) -> BoolArray:
    """Voxels of objects that have one of another object beside them, across a face."""
    found = np.zeros(numbers.shape, dtype=bool)
    for _, before, after in _faces(numbers.ndim):
        differ = (numbers[before] != numbers[after]) & there[before] & there[after]
        found[before] |= differ
        found[after] |= differ
    return found


def objects_of(codes: IntArray, spacing: Sequence[float] = ()) -> IntArray:
    """int32, the objects of codes (d, h, w), numbered from 1, 0 where there is none.

    Every part of the inside that hangs together over faces becomes an object, and takes the border that it reaches
    before any other does. Border that no inside touches becomes an object by itself.

    Args:
        codes: Of all voxels.
        spacing: Between them along (d, h, w), in any unit; empty where it is the same along each.
    """
    from scipy import ndimage

    there = codes > 0
    seeds, count = ndimage.label(codes == INSIDE)
    seeds = seeds.astype(np.int32, copy=False)
    parts, most = ndimage.label(there)
    seeded = np.zeros(most + 1, dtype=bool)
    seeded[parts[seeds > 0]] = True
    alone = there & ~seeded[parts]
    seeds[alone] = count + np.unique(parts[alone], return_inverse=True)[1] + 1
    return grown(seeds, there, steps_of(codes.shape, spacing))


def _large(objects: IntArray, smallest: int) -> IntArray:
    """Those of at least so many voxels, numbered anew."""
    kept = np.bincount(objects.ravel()) >= smallest
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    found: IntArray = numbers[objects]
    return found
