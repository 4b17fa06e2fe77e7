"""A data set as one of images whose voxels are to be labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hounsfield.arrays import IntArray
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.lesions import whole_cases
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.formats.mask import require_same_grid

WHOLE = ("image",)
"""The one class of images as a whole: nothing is asked of them but what their voxels are."""

Labels = Mapping[str, tuple[int, ...]]
"""By name the numbers that a label has on masks: one, or of a region that holds others several."""


MOST_NUMBERS = 254
"""On the masks of a data set, all labels together."""

MOST_OVERLAPPING = 16
"""Labels that may overlap."""

_GREY = 20
"""More numbers than these that nobody names, up to nearly white, are grey levels."""


def for_segmentation(dataset: Dataset, *, labels: Labels | None = None, unlabelled: int = 0) -> Dataset:
    """The images with a mask each, and what the numbers on the masks are called.

    Every mask is looked at: one that cannot be read, lies on another grid than its image, or holds a number that is no
    label is named and left out, and so is an image without a mask. For a model that is to be measured, its labels are
    found by their names where the data have names, and numbers that it does not know are nothing.

    Args:
        dataset: As it was opened.
        labels: Of a model that is to be measured on it; those of the data where not given.
        unlabelled: Of the model, where the data name nothing.

    Raises:
        DatasetError: The cases are squares or have several images; there is no mask; no mask can be used; the data
            lack a label of the model; or there are too many labels.
    """
    whole = whole_cases(dataset, "voxels are labelled")
    masked = [case for case in whole if case.mask is not None]
    if not masked:
        raise DatasetError(
            f"none of the {counted(len(whole), 'case')} of {dataset.name} has a mask: name a column of masks in the "
            "description ([columns] mask), or lay images and masks in the folders images and labels"
        )
    found = in_threads(numbers_of, masked, "looking at masks")
    failed = [str(own) for own in found if isinstance(own, HounsfieldError)]
    cases = [(case, own) for case, own in zip(masked, found, strict=True) if not isinstance(own, HounsfieldError)]
    unknown = dataset.unlabelled or (0 if dataset.numbers else unlabelled)
    named = _named(dataset, labels, sorted(set().union(*(own for _, own in cases)) - {0, unknown}))
    known = {0, unknown, *(number for numbers in named.values() for number in numbers)}
    strange = [f"{case.id} ({', '.join(map(str, sorted(own - known)))})" for case, own in cases if own - known]
    kept = [replace(case, target=0) for case, own in cases if labels or not own - known]
    if not kept or not named:
        why = failed[0] if failed else f"their numbers are none of {sorted(known)}" if strange else "all are empty"
        raise DatasetError(f"{dataset.name}: no mask can be used: {why}")
    _require_few(dataset, named)
    notes = _notes(len(whole) - len(masked), failed, strange, known, counts_as_nothing=labels is not None)
    return replace(
        dataset,
        cases=tuple(kept),
        classes=WHOLE,
        labels=dict(named),
        unlabelled=unknown,
        notes=(*dataset.notes, *notes),
    )


def _named(dataset: Dataset, labels: Labels | None, numbers: Sequence[int]) -> Labels:
    """By name the numbers that labels have on the data's masks.

    Raises:
        DatasetError: The data lack a label of the model, or nobody names what look like grey levels.
    """
    if labels is None and dataset.numbers:
        return dataset.numbers
    if labels is not None:
        if not dataset.numbers:
            return labels
        if absent := [name for name in labels if name not in dataset.numbers]:
            raise DatasetError(
                f"{dataset.name} has the labels {', '.join(dataset.numbers)}, and the model outlines also "
                f"{', '.join(absent)}: name them in the description ([labels]) as the model does"
            )
        return {name: dataset.numbers[name] for name in labels}
    if len(numbers) > _GREY and numbers[-1] in (254, 255):
        raise DatasetError(
            f"the masks of {dataset.name} hold {len(numbers)} numbers up to {numbers[-1]}, as smoothed masks do: set "
            "every voxel to the number of one label, or name the numbers in the description ([labels])"
        )
    return {f"label {number}": (number,) for number in numbers}


def _require_few(dataset: Dataset, named: Labels) -> None:
    """Accept as many labels as can be told apart.

    Raises:
        DatasetError: There are more.
    """
    every = [number for numbers in named.values() for number in numbers]
    if len(set(every)) > MOST_NUMBERS or (len(set(every)) < len(every) and len(named) > MOST_OVERLAPPING):
        raise DatasetError(
            f"{dataset.name} has {len(named)} labels with {len(set(every))} numbers: up to {MOST_NUMBERS} numbers, or "
            f"{MOST_OVERLAPPING} labels that overlap, can be learned; name fewer in the description ([labels])"
        )


def numbers_of(case: Case) -> frozenset[int]:
    """The numbers on the mask of a case.

    Raises:
        DatasetError, FormatError, GeometryError: As `mask_of`.
    """
    return frozenset(np.unique(mask_of(case)).tolist())


def mask_of(case: Case) -> IntArray:
    """(d, h, w) int32: the number of every voxel, on the grid of the case's image.

    Raises:
        DatasetError: There is no mask, it has channels that differ, or holds no whole numbers.
        GeometryError: It lies on another grid than its image.
        FormatError: One of them cannot be read.
    """
    from hounsfield import formats

    if case.mask is None:
        raise DatasetError(f"the case {case.id!r} has no mask")
    mask = load(case.mask)
    if mask.planar and mask.shape == tuple(formats.header(case.image.path).shape):
        pass  # a flat image knows no place
    else:
        require_same_grid(mask, case.mask.path, load(case.image))
    if mask.channels > 1 and not (mask.voxels == mask.voxels[:1]).all():
        raise DatasetError(
            f"{case.mask.path} is no mask: it has {mask.channels} channels, which differ; give every label a number"
        )
    voxels = mask.voxels[0]
    numbers = np.rint(voxels)
    if not np.array_equal(numbers, voxels):
        raise DatasetError(
            f"{case.mask.path} holds numbers that are not whole, such as "
            f"{float(voxels[numbers != voxels].flat[0]):g}: a mask has one whole number a voxel; was it smoothed?"
        )
    found: IntArray = numbers.astype(np.int32)
    return found


def _notes(
    bare: int, failed: Sequence[str], strange: Sequence[str], known: set[int], *, counts_as_nothing: bool
) -> list[str]:
    notes = []
    if bare:
        notes.append(f"{counted(bare, 'image')} without a mask left out")
    if failed:
        notes.append(f"{counted(len(failed), 'image')} left out: {some(failed, most=3)}")
    if strange:
        images, numbers = (
            counted(len(strange), "image"),
            f"numbers that are none of {', '.join(map(str, sorted(known)))}",
        )
        what = f"on {images} {numbers} count as nothing" if counts_as_nothing else f"{images} left out, with {numbers}"
        notes.append(f"{what}: {some(strange, most=3)}")
    return notes
