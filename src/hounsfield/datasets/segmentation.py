"""A data set as one of images whose voxels are to be labelled."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from hounsfield.arrays import IntArray
from hounsfield.datasets.case import Case, Dataset, DrawnMask, ImageRef
from hounsfield.datasets.drawn import NOTHING, Names, Numbered, drawn_mask, numbers_drawn, with_numbers
from hounsfield.datasets.lesions import whole_cases
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import header_of, load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.formats.mask import require_same_grid

WHOLE = ("image",)
"""The one class of images as a whole: nothing is asked of them but what their voxels are."""

Labels = Mapping[str, tuple[int, ...]]
"""By name the numbers that a label has on masks: one, or of a region that holds others several; none of its own where
each number is one object (instance) of the label, which is then the only one."""

EACH = "each"
"""How descriptions say that each number is one object."""

MOST_NUMBERS = 254
"""On the masks of a data set, all labels together."""

MOST_OVERLAPPING = 16
"""Labels that may overlap."""

_LARGEST = 2**31 - 1
"""Number of a label."""

_GREY = 20
"""More numbers than these that nobody names, up to nearly white, are grey levels."""


def in_instances(labels: Mapping[str, tuple[int | str, ...]]) -> bool:
    """Whether each number on masks is one object of the only label."""
    return () in labels.values()


def require_alone(labels: Mapping[str, tuple[int | str, ...]]) -> None:
    """Accept a label whose objects are numbered one by one where there is no other.

    Raises:
        DatasetError: There is one.
    """
    if in_instances(labels) and len(labels) > 1:
        name = next(name for name, own in labels.items() if not own)
        others = ", ".join(other for other in labels if other != name)
        raise DatasetError(
            f'{name} = "{EACH}" says that every number on a mask is one {name}: none is left for {others}; name '
            f"one of them, or give each label one number for all its objects"
        )


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
    unknown = dataset.unlabelled or (0 if dataset.numbers else unlabelled)
    looked = _looked_at(dataset, masked, labels, unknown)
    kept = [replace(looked.cases[case.id][0], target=0) for case in masked if case.id in looked.cases]
    labelled = set().union(*(numbers for _, numbers in looked.cases.values())) - {0, unknown}
    if not kept or not looked.labels or (labels is None and not labelled):
        empty = f"all {len(masked)} are empty, the first for {masked[0].id}: give those on which something is outlined"
        why = [*looked.failed, *looked.notes, empty][0]
        raise DatasetError(f"{dataset.name}: no mask can be used: {why}")
    _require_few(dataset, looked.labels)
    bare = len(whole) - len(masked)
    notes = (
        *([f"{counted(bare, 'image')} without a mask left out"] if bare else []),
        *looked.notes,
        *([f"{counted(len(looked.failed), 'image')} left out: {some(looked.failed, most=3)}"] if looked.failed else []),
    )
    return replace(
        dataset,
        cases=tuple(kept),
        classes=WHOLE,
        labels=looked.labels,
        unlabelled=unknown,
        notes=(*dataset.notes, *notes),
    )


def _looked_at(dataset: Dataset, masked: Sequence[Case], labels: Labels | None, unknown: int) -> Numbered:
    """The masks that can be used, those of numbers and those of names.

    Raises:
        DatasetError: The data lack a label that is wanted.
    """
    drawings = in_threads(drawn_mask, masked, "looking for structures")
    images = [case for case, own in zip(masked, drawings, strict=True) if own is None]
    drawn = [(case, own) for case, own in zip(masked, drawings, strict=True) if isinstance(own, DrawnMask)]
    by_number = _by_number(dataset, images, labels, unknown) if images or not drawn else NOTHING
    by_name = NOTHING
    if drawn and labels and in_instances(labels):
        raise DatasetError(_other_way(dataset.name, next(iter(labels)), instances=True))
    if drawn:
        taken = {unknown, *_all(by_number.labels), *chain.from_iterable(own for _, own in by_number.cases.values())}
        by_name = with_numbers(drawn, _names(dataset, labels), first=max(taken) + 1)
    named = {
        name: (*by_number.labels.get(name, ()), *by_name.labels.get(name, ()))
        for name in dict.fromkeys((*(labels or dataset.numbers), *by_number.labels, *by_name.labels))
        if name in by_number.labels or name in by_name.labels
    }
    cases = {**by_number.cases, **by_name.cases}
    absent = [name for name in _described(dataset, labels) if name not in named]
    if absent and cases:
        raise DatasetError(
            f"{dataset.name}: {some(absent)} can be on no mask: [labels] gives the name of a structure in DICOM files, "
            f'and its masks are images of numbers; give the number, or "{EACH}" where every number is one object'
        )
    refused = tuple(str(own) for own in drawings if isinstance(own, HounsfieldError))
    return Numbered(cases, named, (*refused, *by_number.failed, *by_name.failed), (*by_number.notes, *by_name.notes))


def _all(labels: Labels) -> set[int]:
    """Every number of labels."""
    return {number for numbers in labels.values() for number in numbers}


def _by_number(dataset: Dataset, cases: Sequence[Case], labels: Labels | None, unknown: int) -> Numbered:
    """The masks that are images of numbers; those that hold a number that is no label are left out, unless they are to
    be measured on."""
    instances = in_instances(_numbers(dataset.numbers) or labels or {})
    look = functools.partial(_look, instances=instances, unlabelled=unknown)
    found = in_threads(look, cases, "looking at masks")
    failed = [str(own) for own in found if isinstance(own, HounsfieldError)]
    looked = [(case, own) for case, own in zip(cases, found, strict=True) if not isinstance(own, HounsfieldError)]
    every = set().union(*(own.numbers for _, own in looked)) - {0, unknown}
    named = _named(dataset, labels, sorted(every))
    known = {0, unknown, *_all(named)}
    if instances:
        known |= {number for number in every if number > 0}
    strict = labels is None and not dataset.others_are_nothing
    strange = [
        f"{_file_of(case)} ({', '.join(map(str, sorted(own.numbers - known)))})"
        for case, own in looked
        if own.numbers - known
    ]
    notes = _note_on_parts([(case.id, own.parted) for case, own in looked if own.parted])
    empty = [_file_of(case) for case, own in looked if not own.numbers - {0, unknown}]
    if empty and every:
        notes.append(f"on {counted(len(empty), 'mask')} nothing is labelled: {some(empty, most=3)}")
    if strange:
        images, odd = counted(len(strange), "image"), f"numbers that are none of {_listed(known)}"
        what = f"{images} left out, with {odd}" if strict else f"on {images} {odd} count as nothing"
        mend = "; name them in [labels], or write others_are_nothing = true in the description" if strict else ""
        notes.append(f"{what}: {some(strange, most=3)}{mend}")
    kept = {case.id: (case, own.numbers) for case, own in looked if not strict or not own.numbers - known}
    return Numbered(kept, named, tuple(failed), tuple(notes))


def _file_of(case: Case) -> str:
    """Of its mask."""
    return str(case.mask.path) if isinstance(case.mask, ImageRef) else case.id


def _numbers(described: Mapping[str, tuple[int | str, ...]]) -> Labels:
    """Of what the data say of labels the numbers alone; a label that has none but names of structures is left out."""
    own = {name: tuple(one for one in said if isinstance(one, int)) for name, said in described.items()}
    return {name: numbers for name, numbers in own.items() if numbers or not described[name]}


def _described(dataset: Dataset, labels: Labels | None) -> Mapping[str, tuple[int | str, ...]]:
    """What the data say of the labels that are wanted; nothing where they name none.

    Raises:
        DatasetError: The data lack a label of the model.
    """
    if labels is None or not dataset.numbers:
        return dataset.numbers
    if absent := [name for name in labels if name not in dataset.numbers]:
        raise DatasetError(
            f"{dataset.name} has the labels {', '.join(dataset.numbers)}, and the model outlines also "
            f"{', '.join(absent)}: name them in the description ([labels]) as the model does"
        )
    return {name: dataset.numbers[name] for name in labels}


def _named(dataset: Dataset, labels: Labels | None, numbers: Sequence[int]) -> Labels:
    """By name the numbers that labels have on the data's masks.

    Raises:
        DatasetError: The data lack a label of the model, or nobody names what look like grey levels.
    """
    if described := _described(dataset, labels):
        named = _numbers(described)
        if labels is not None and in_instances(named) != in_instances(labels):
            raise DatasetError(_other_way(dataset.name, next(iter(labels)), instances=in_instances(labels)))
        return named
    if labels is not None:
        return labels
    if len(numbers) > _GREY and numbers[-1] in (254, 255):
        raise DatasetError(
            f"the masks of {dataset.name} hold {len(numbers)} numbers up to {numbers[-1]}, as smoothed masks do: set "
            "every voxel to the number of one label, or name the numbers in the description ([labels])"
        )
    return {f"label {number}": (number,) for number in numbers}


def _names(dataset: Dataset, labels: Labels | None) -> Names:
    """By label the names that its structures have in DICOM files; nothing where all are to be taken as they stand.

    Raises:
        DatasetError: The data lack a label of the model, or give numbers alone.
    """
    if described := _described(dataset, labels):
        own = {name: tuple(one for one in said if isinstance(one, str)) for name, said in described.items()}
        if not any(own.values()):
            raise DatasetError(
                f"{dataset.name} has masks that are DICOM segmentations or structure sets, whose numbers are of each "
                'file alone: say in the description by their names what labels are ([labels] liver = "Liver")'
            )
        return {name: names for name, names in own.items() if names}
    return {name: (name,) for name in labels or ()}


def _other_way(data: str, label: str, *, instances: bool) -> str:
    """Why a model cannot be measured on data whose numbers mean something else."""
    if instances:
        return (
            f"the model tells each {label} from the others, and {data} has one number for all of them: give each its "
            f'own on the masks, and say so in the description ({label} = "{EACH}" in [labels])'
        )
    return (
        f'on the masks of {data} each number is one {label} ("{EACH}"), and the model outlines all as one label: give '
        f"them all one number, and name it in the description ({label} = 1 in [labels])"
    )


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


@dataclass(frozen=True)
class _Looked:
    """What is on a mask."""

    numbers: frozenset[int]
    parted: int
    """Instances that are in several parts."""


def _look(case: Case, *, instances: bool, unlabelled: int) -> _Looked:
    """What is on the mask of a case.

    Raises:
        DatasetError, FormatError, GeometryError: As `mask_of`.
    """
    mask = mask_of(case)
    numbers = frozenset(np.unique(mask).tolist())
    return _Looked(numbers, _parted(np.where(mask == unlabelled, 0, mask)) if instances else 0)


def size_of_nearly_all(cases: Sequence[Case], *, unlabelled: int = 0) -> int:
    """Voxels that 99 in 100 of the objects on some masks have, or more, each number being one; 0 without any.

    Masks that cannot be read count for nothing.
    """
    found = in_threads(functools.partial(_sizes, unlabelled=unlabelled), cases, "measuring objects")
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *(own for own in found if isinstance(own, np.ndarray))])
    return int(np.quantile(sizes, 0.01)) if len(sizes) else 0


def _sizes(case: Case, *, unlabelled: int) -> IntArray:
    """Voxels of each object on a mask."""
    mask = mask_of(case)
    sizes: IntArray = np.unique(mask[(mask > 0) & (mask != unlabelled)], return_counts=True)[1]
    return sizes


def _parted(mask: IntArray) -> int:
    """How many numbers of a mask (d, h, w) are in several parts that do not touch, not even by a corner."""
    from scipy import ndimage

    found, places = np.unique(np.maximum(mask, 0), return_inverse=True)
    places = places.reshape(mask.shape) + int(found[0] > 0)  # numbers may have gaps, and go very high
    around = np.ones((3, 3, 3))
    boxes = ndimage.find_objects(places)
    return sum(ndimage.label(places[box] == number, around)[1] > 1 for number, box in enumerate(boxes, start=1) if box)


def mask_of(case: Case) -> IntArray:
    """(d, h, w) of the narrowest type of whole numbers: that of every voxel, on the grid of the case's image.

    Raises:
        DatasetError: There is no mask, it has channels that differ, or holds no whole numbers of 0 and more.
        GeometryError: It lies on another grid than its image.
        FormatError: One of them cannot be read.
    """
    if case.mask is None:
        raise DatasetError(f"the case {case.id!r} has no mask")
    if isinstance(case.mask, DrawnMask):
        return numbers_drawn(case, case.mask)
    mask, image = load(case.mask), header_of(case.image)
    if not mask.planar or mask.shape != tuple(image.shape) or (mask.placed and image.placed):
        require_same_grid(mask, case.mask.path, image)
    if mask.channels > 1 and not (mask.voxels == mask.voxels[:1]).all():
        raise DatasetError(
            f"{case.mask.path} is no mask: it has {mask.channels} channels, which differ; give every label a number"
        )
    voxels = mask.voxels[0]
    if not np.issubdtype(voxels.dtype, np.integer):
        for plane in voxels:  # one by one: as whole numbers all would be in memory once more
            if not np.array_equal(np.rint(plane), plane):
                raise DatasetError(
                    f"{case.mask.path} holds numbers that are not whole, such as "
                    f"{float(plane[np.rint(plane) != plane].flat[0]):g}: a mask has one whole number a voxel; was it "
                    "smoothed?"
                )
    least, most = int(voxels.min(initial=0)), int(voxels.max(initial=0))
    if least < 0:
        raise DatasetError(
            f"{case.mask.path} holds the number {least}: labels have numbers from 1 on; write 0 where there is none"
        )
    if most > _LARGEST:
        raise DatasetError(f"{case.mask.path} holds the number {most}: labels have numbers up to {_LARGEST}")
    found: IntArray = voxels.astype(np.min_scalar_type(most), copy=False)
    return found


def _note_on_parts(parted: Sequence[tuple[str, int]]) -> list[str]:
    """A note where objects of some cases are in several parts: perhaps their numbers are labels."""
    if not parted:
        return []
    words = some([f"{case} ({count})" for case, count in parted], most=3)
    return [
        f"{counted(len(parted), 'mask')} with objects in several parts that do not touch: {words}; each number counts "
        f'as one object ("{EACH}"), so give each part a number of its own where parts are objects'
    ]


def _listed(numbers: set[int]) -> str:
    return some([str(number) for number in sorted(numbers)], most=20)
