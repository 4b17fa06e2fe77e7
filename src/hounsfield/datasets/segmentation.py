"""A data set as one of images whose voxels are to be labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import IntArray
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.lesions import whole_cases
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.image import Image

WHOLE = ("image",)
"""The one class of images as a whole: nothing is asked of them but what their voxels are."""

_AFFINE_TOLERANCE = 1e-2
"""Millimetres by which the grids of a mask and its image may differ."""

Labels = Mapping[str, tuple[int, ...]]
"""By name the numbers that a label has on masks: one, or of a region that holds others several."""


def for_segmentation(dataset: Dataset, *, labels: Labels | None = None) -> Dataset:
    """The images with a mask each, and what the numbers on the masks are called.

    Every mask is looked at: one that cannot be read, lies on another grid than its image, or holds a number that is no
    label is named and left out, and so is an image without a mask.

    Args:
        dataset: As it was opened.
        labels: Of a model that is to be measured on it; those of the data where not given.

    Raises:
        DatasetError: The cases are squares or have several images; there is no mask; or no mask can be used.
    """
    whole = whole_cases(dataset, "voxels are labelled")
    masked = [case for case in whole if case.mask is not None]
    if not masked:
        raise DatasetError(
            f"none of the {counted(len(whole), 'case')} of {dataset.name} has a mask: name a column of masks in the "
            "description ([columns] mask), or lay images and masks in the folders images and labels"
        )
    found = in_threads(numbers_of, masked, "looking at masks")
    named = labels or dataset.numbers
    failed = [str(own) for own in found if isinstance(own, HounsfieldError)]
    cases = [(case, own) for case, own in zip(masked, found, strict=True) if not isinstance(own, HounsfieldError)]
    if not named:
        every = sorted(set().union(*(own for _, own in cases)) - {0, dataset.unlabelled})
        named = {f"label {number}": (number,) for number in every}
    known = {0, dataset.unlabelled, *(number for numbers in named.values() for number in numbers)}
    strange = [f"{case.id} ({', '.join(map(str, sorted(own - known)))})" for case, own in cases if own - known]
    kept = [replace(case, target=0) for case, own in cases if not own - known]
    if not kept or not named:
        why = failed[0] if failed else f"their numbers are none of {sorted(known)}" if strange else "all are empty"
        raise DatasetError(f"{dataset.name}: no mask can be learned from: {why}")
    notes = _notes(len(whole) - len(masked), failed, strange, known)
    return replace(dataset, cases=tuple(kept), classes=WHOLE, labels=dict(named), notes=(*dataset.notes, *notes))


def numbers_of(case: Case) -> frozenset[int]:
    """The numbers on the mask of a case.

    Raises:
        DatasetError: The mask lies on another grid than its image, or holds no whole numbers.
        FormatError, GeometryError: One of them cannot be read.
    """
    return frozenset(np.unique(mask_of(case)).tolist())


def mask_of(case: Case) -> IntArray:
    """(d, h, w) int32: the number of every voxel, on the grid of the case's image.

    Raises:
        DatasetError: There is no mask, it lies on another grid than its image, or holds no whole numbers.
        FormatError, GeometryError: One of them cannot be read.
    """
    from hounsfield import formats

    if case.mask is None:
        raise DatasetError(f"the case {case.id!r} has no mask")
    mask = load(case.mask)
    outside = formats.header(case.image.path)
    if mask.shape != tuple(outside.shape):
        raise DatasetError(
            f"{case.mask.path} is of {' × '.join(map(str, mask.shape))} voxels, and its image of "
            f"{' × '.join(map(str, outside.shape))}: a mask lies on the voxels of its image; resample it without "
            "smoothing"
        )
    _require_place(mask, case)
    voxels = mask.voxels[0]
    numbers = np.rint(voxels)
    if not np.array_equal(numbers, voxels):
        raise DatasetError(
            f"{case.mask.path} holds numbers that are not whole, such as "
            f"{float(voxels[numbers != voxels].flat[0]):g}: a mask has one whole number a voxel; was it smoothed?"
        )
    found: IntArray = numbers.astype(np.int32)
    return found


def _require_place(mask: Image, case: Case) -> None:
    """Accept a mask that lies where its image lies; of flat images only the size counts."""
    if mask.planar:
        return
    image = load(case.image)
    if not np.allclose(mask.affine, image.affine, atol=_AFFINE_TOLERANCE):
        raise DatasetError(
            f"{mask.source.path or 'the mask'} does not lie where its image {case.image.path} lies: spacing "
            f"{_words(mask)} and {_words(image)} mm, or another origin or direction; resample the mask onto the "
            "image's grid without smoothing"
        )


def _words(image: Image) -> str:
    return " × ".join(f"{one:.3g}" for one in geometry.spacing_mm(image.affine))


def _notes(bare: int, failed: Sequence[str], strange: Sequence[str], known: set[int]) -> list[str]:
    notes = []
    if bare:
        notes.append(f"{counted(bare, 'image')} without a mask left out")
    if failed:
        notes.append(f"{counted(len(failed), 'image')} left out: {some(failed, most=3)}")
    if strange:
        notes.append(
            f"{counted(len(strange), 'image')} left out, whose masks hold numbers that are none of "
            f"{', '.join(map(str, sorted(known)))}: {some(strange, most=3)}"
        )
    return notes
