"""Instances: each object of one label by itself, however closely it touches others.

Of every voxel a network says whether it is nothing, the inside of an object, or its border: the two outermost layers of
its voxels, so that four layers lie between the insides of two objects that touch; of small objects one layer, of the
smallest none. Parts of the inside that hang together are then the seeds of objects, and grow over the border that is
nearest to them. This needs no more of an image than what each voxel is, so that objects are told apart on whole images,
however many windows they were looked at in, and none is cut in two.

Reference:
    Caicedo et al., "Evaluation of deep learning strategies for nucleus segmentation in fluorescence images" (2019),
    doi:10.1002/cyto.a.23863 (inside and border as classes); Beucher, Meyer, "The morphological approach to
    segmentation: the watershed transformation" (1993), doi:10.1201/9781482277234-12 (growing from seeds).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.image import Mask
from hounsfield.tasks.segmentation import UNKNOWN, Segmentation

INSIDE, BORDER = 1, 2
"""Codes of voxels of an object."""

LAYERS = 2
"""Of voxels that are the border of an object, at most, and at most half of those from its border to its middle."""


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

    def codes(self, numbers: IntArray) -> IntArray:
        """uint8 codes of the objects of a mask (d, h, w).

        An object that ends at the image's edge, or where nobody knows, has no border there.
        """
        from scipy import ndimage

        unknown = numbers == self.unlabelled if self.unlabelled else np.zeros(numbers.shape, dtype=bool)
        there = (numbers > 0) & ~unknown
        outermost = there & _beside_others(numbers, unknown)
        if not outermost.any():
            return np.where(there, INSIDE, np.where(unknown, UNKNOWN, 0)).astype(np.uint8)
        layer = 1 + ndimage.distance_transform_cdt(~outermost, metric="taxicab")[there]
        every, place = np.unique(numbers[there], return_inverse=True)
        deepest = np.zeros(len(every), dtype=layer.dtype)
        np.maximum.at(deepest, place, layer)
        codes = np.where(unknown, UNKNOWN, 0).astype(np.uint8)
        codes[there] = np.where(layer <= np.minimum(deepest[place] // 2, LAYERS), BORDER, INSIDE)
        return codes

    def labelled(self, logits: Tensor) -> Tensor:
        """Codes (…) of logits (3, …): nothing where that is likelier than inside and border together."""
        nothing, inside, border = logits
        there = torch.logaddexp(inside, border) > nothing
        codes: Tensor = there * torch.where(border > inside, BORDER, INSIDE)
        return codes

    def outline(self, said: IntArray) -> Mask:
        """What `labelled` gave as objects, numbered from 1."""
        return Mask(_large(objects_of(said), self.smallest), self.labels, instances=True)

    def truth(self, numbers: IntArray) -> Mask:
        """A mask as an outline; voxels that nobody knows are nothing."""
        known = (numbers > 0) & (numbers != self.unlabelled)
        return Mask(np.where(known, numbers, 0), self.labels, instances=True)

    def counts(self, said: IntArray, codes: IntArray) -> FloatArray:
        """(1, 3): voxels of both, of what was said, and of the truth, of all objects together."""
        known = codes != UNKNOWN
        ours, theirs = (said > 0) & known, (codes > 0) & known
        return np.array([[np.count_nonzero(one) for one in (ours & theirs, ours, theirs)]], dtype=np.float64)


def _beside_others(numbers: IntArray, unknown: BoolArray) -> BoolArray:
    """Voxels of which a neighbour across a face has another number that is known."""
    found = np.zeros(numbers.shape, dtype=bool)
    for axis in range(numbers.ndim):
        low: list[slice] = [slice(None)] * numbers.ndim
        high = low.copy()
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        first, second = tuple(low), tuple(high)
        differ = (numbers[first] != numbers[second]) & ~unknown[first] & ~unknown[second]
        found[first] |= differ
        found[second] |= differ
    return found


def objects_of(codes: IntArray) -> IntArray:
    """int32, the objects of codes (d, h, w) or (h, w), numbered from 1, 0 where there is none.

    Every part of the inside that hangs together over faces becomes an object, and takes the border that it reaches
    before any other does. Border that no inside touches becomes an object by itself.
    """
    import SimpleITK as sitk
    from scipy import ndimage

    if len(codes) == 1 and codes.ndim == 3:
        return objects_of(codes[0])[None]
    there = codes > 0
    seeds, count = ndimage.label(codes == INSIDE)
    seeds = seeds.astype(np.int32, copy=False)
    parts, most = ndimage.label(there)
    seeded = np.zeros(most + 1, dtype=bool)
    seeded[parts[seeds > 0]] = True
    alone = there & ~seeded[parts]
    seeds[alone] = count + np.unique(parts[alone], return_inverse=True)[1] + 1
    level = sitk.GetImageFromArray((~there).astype(np.uint8))  # all that is there is flooded before anything else
    flood: Any = sitk.MorphologicalWatershedFromMarkers
    flooded = flood(
        level, sitk.GetImageFromArray(seeds.astype(np.uint32)), markWatershedLine=False, fullyConnected=False
    )
    found: IntArray = sitk.GetArrayFromImage(flooded).astype(np.int32)
    found[~there] = 0
    return found


def _large(objects: IntArray, smallest: int) -> IntArray:
    """Those of at least so many voxels, numbered anew."""
    kept = np.bincount(objects.ravel()) >= smallest
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    found: IntArray = numbers[objects]
    return found
