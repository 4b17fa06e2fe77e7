"""A data set as one of images on which named landmarks are to be located."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hounsfield import geometry
from hounsfield.datasets.case import Case, Dataset, DrawnMask, ImageRef
from hounsfield.datasets.landmarks import PlaceRule, place_on, place_rule
from hounsfield.datasets.lesions import whole_cases
from hounsfield.datasets.listing import counted, some
from hounsfield.datasets.load import header_of, load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.findings.region import Point

WHOLE = ("image",)
"""The one class of images as a whole: nothing is asked of them but where their landmarks are."""

_SAMPLE = 20
"""Masks in which labels are looked for where nobody names landmarks; those seen in others alone are no landmarks …"""

_AFFINE_TOLERANCE = 1e-2
"""Millimetres by which the grids of a mask and its image may differ."""

_LABEL = re.compile(r"label (\d+)")

_MOST = 20
"""… and how many labels may then be landmarks."""


def for_localization(dataset: Dataset, *, landmarks: tuple[str, ...] = ()) -> Dataset:
    """The images with their landmarks: those of the description, or else the middle of each label of their masks.

    A landmark may be missing on an image, which then says nothing of it. Images without any are left out, as a note
    says, and so are those whose mask cannot be read.

    Args:
        dataset: As it was opened.
        landmarks: Of a model that is to be measured on it; those of the data where not given.

    Raises:
        DatasetError: The cases are squares or have several images; there are neither landmarks nor masks; or the data
            have none of the model's.
    """
    whole = whole_cases(dataset, "landmarks are located")
    places = dataset.places or _of_labels(landmarks) or _of_labels(f"label {n}" for n in _labels(dataset, whole))
    _require_depth(whole, [name for name, words in places.items() if not words])
    names = landmarks or tuple(places)
    if landmarks and not set(landmarks) & set(places):
        raise DatasetError(
            f"{dataset.name} has the landmarks {', '.join(places)}, and the model locates {', '.join(landmarks)}: name "
            "them as the model does ([landmarks] of the description)"
        )
    rules = {name: place_rule(words) for name, words in places.items() if words and name in names}
    points = in_threads(lambda case: points_of(case, rules), whole, "finding landmarks on masks") if rules else []
    cases, failed, bare = [], [], []
    for number, case in enumerate(whole):
        found = points[number] if rules else ()
        if isinstance(found, HounsfieldError):
            failed.append(str(found))
            continue
        own = (*(point for point in case.points if point.label in names), *found)
        if own:
            cases.append(replace(case, points=own, target=0))
        else:
            bare.append(case.id)
    if not cases:
        why = failed[0] if failed else f"none of its {counted(len(whole), 'case')} shows one"
        raise DatasetError(f"{dataset.name}: there is no landmark to learn: {why}")
    return replace(
        dataset,
        cases=tuple(cases),
        classes=WHOLE,
        landmarks=names,
        notes=(*dataset.notes, *_notes(cases, names, failed, bare)),
    )


def points_of(case: Case, rules: Mapping[str, PlaceRule]) -> tuple[Point, ...]:
    """The landmarks that the mask of a case shows, in pixels of its image as stored; none where it has no mask.

    Raises:
        DatasetError: The mask is of another size than the image.
        FormatError, GeometryError: One of them cannot be read.
    """
    if case.mask is None:
        return ()
    if isinstance(case.mask, DrawnMask):
        raise DatasetError(
            f"{case.mask.paths[0]} names structures, and landmarks are places on masks of numbers: write it as one "
            "(hounsfield convert)"
        )
    mask = load(case.mask)
    shape = header_of(case.image).shape
    if mask.shape != tuple(shape):
        raise DatasetError(
            f"{case.mask.path} is of {' × '.join(map(str, mask.shape))} voxels, and its image of "
            f"{' × '.join(map(str, shape))}: a mask lies on the voxels of its image; resample it without smoothing"
        )
    if not mask.planar and not np.allclose(mask.affine, load(case.image).affine, atol=_AFFINE_TOLERANCE):
        raise DatasetError(
            f"{case.mask.path} does not lie where its image {case.image.path} lies: their affines differ; resample the "
            "mask onto the image's grid without smoothing"
        )
    labels = np.rint(mask.voxels[0]).astype(np.int64)
    spacing = np.array(geometry.spacing_mm(mask.affine))
    found = (place_on(labels, rule, spacing, name=name) for name, rule in rules.items())
    return tuple(point for point in found if point is not None)


def _of_labels(names: Iterable[str]) -> dict[str, str]:
    """The middles of labels, of landmarks that are called after them; nothing where one is called otherwise."""
    found = {name: _LABEL.fullmatch(name) for name in names}
    return {name: f"centroid {own[1]}" for name, own in found.items() if own} if all(found.values()) else {}


def _require_depth(cases: Sequence[Case], names: Sequence[str]) -> None:
    """Accept landmarks of a table that say in which slice they lie, where images have several.

    Raises:
        DatasetError: One does not.
    """
    case = next((case for case in cases if any(point.label in names for point in case.points)), None)
    if case is None or case.image.array or any(point.z != 0.5 for other in cases for point in other.points):
        return
    slices = header_of(case.image).shape[0]
    if slices > 1:
        raise DatasetError(
            f"{case.image.path} has {slices} slices, and the landmarks {', '.join(names)} say nothing of them: name "
            'the column of z too ([landmarks] name = ["x", "y", "z"])'
        )


def _labels(dataset: Dataset, cases: Sequence[Case]) -> list[int]:
    """The labels of some masks, in rising order.

    Raises:
        DatasetError: There is no mask, or there are too many labels for all of them to be meant.
    """
    masked = [case.mask for case in cases if isinstance(case.mask, ImageRef)]
    if not masked:
        raise DatasetError(
            f"{dataset.name} names no landmarks, and none of its {counted(len(cases), 'case')} has a mask: say in the "
            "description ([landmarks]) which columns hold them, or which places of the mask they are"
        )
    step = max(1, len(masked) // _SAMPLE)
    found: set[int] = set()
    for ref in masked[::step][:_SAMPLE]:
        found |= set(np.unique(np.rint(load(ref).voxels).astype(np.int64)).tolist()) - {0}
    if not found or len(found) > _MOST:
        raise DatasetError(
            f"{dataset.name} names no landmarks, and its masks have {counted(len(found), 'label')}, of which up to "
            f'{_MOST} would each be one: name those that are meant in the description ([landmarks] name = "centroid 7")'
        )
    return sorted(found)


def _notes(cases: Sequence[Case], names: Sequence[str], failed: Sequence[str], bare: Sequence[str]) -> list[str]:
    notes = []
    shown = {name: sum(any(point.label == name for point in case.points) for case in cases) for name in names}
    if lacking := [f"{name} on {counted(count, 'image')}" for name, count in shown.items() if count < len(cases)]:
        notes.append(f"of {counted(len(cases), 'image')}, {', '.join(lacking)}: the others say nothing of it")
    if bare:
        notes.append(f"{counted(len(bare), 'image')} without any landmark left out: {some(bare)}")
    if failed:
        notes.append(f"{counted(len(failed), 'image')} left out: {some(failed, most=3)}")
    return notes
