"""A data set as one of images on which lesions are to be found: the kinds of boxes, and a class for the whole image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.headers import outside
from hounsfield.datasets.lesions import whole_cases
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.findings.region import Box

LESION = "lesion"
"""Kind of boxes that have no label."""

WITHOUT_AND_WITH = ("without", "with")
"""Classes of images whose data have no class that a box is labelled with."""


def for_detection(dataset: Dataset, *, kinds: tuple[str, ...] = (), classes: tuple[str, ...] = ()) -> Dataset:
    """The images with boxes on them, and those without any, which have nothing to be found.

    Every label of a box is a kind; where each class of the data is a label, these are the kinds, and an image with a
    box that is labelled otherwise is left out, as a note says. An image keeps its class where, of two, the positive
    one is a label; else its class is whether it has a box. Where the class says whether there is a lesion, an image of
    a positive class without a box is left out: it lies somewhere, and nobody says where.

    Args:
        dataset: As it was opened.
        kinds: Of a model that is to be measured on it, and so are `classes`; chosen from the data where not given.
        classes: Of images as a whole.

    Raises:
        DatasetError: The cases are squares or have several images; or none of them has a box, and none is known; or
            boxes have labels that the model does not know, or lie in volumes and name no slices.
    """
    whole = whole_cases(dataset, "lesions are looked for")
    _require_depth(whole)
    labels = Counter(box.label or LESION for case in whole for box in case.boxes)
    if not labels and not kinds:
        raise DatasetError(
            f"{dataset.name}: none of its {counted(len(whole), 'case')} has a box: there is nothing to learn to find; "
            "name the columns of the boxes in the description ([box])"
        )
    named = bool(dataset.classes) and all(name in (kinds or labels) for name in dataset.classes)
    kinds = kinds or (dataset.classes if named else tuple(sorted(labels, key=lambda name: (-labels[name], name))))
    if (others := sorted(set(labels) - set(kinds))) and not named:
        raise DatasetError(
            f"{dataset.name} has boxes labelled {', '.join(map(repr, others))}, and the model finds "
            f"{', '.join(kinds)}; name them as the model does ([box] values), or leave their images out ([box] drop)"
        )
    by_class = len(dataset.classes) == 2 and dataset.classes[1] in kinds
    notes = list(dataset.notes)
    odd = [case.id for case in whole if any((box.label or LESION) not in kinds for box in case.boxes)]
    if odd:
        notes.append(
            f"{counted(len(odd), 'image')} with boxes labelled {', '.join(others)}, which is no class of the data, "
            f"left out: {some(odd)}"
        )
    told = _told(dataset, whole, kinds)
    unplaced = [case.id for case in whole if told and case.target and not case.boxes]
    if unplaced:
        notes.append(
            f"{counted(len(unplaced), 'image')} of {' or '.join(dataset.classes[1:])} without a box left out, for "
            f"nobody says where to look: {some(unplaced)}"
        )
    left_out = {*odd, *unplaced}
    kept = [case for case in whole if case.id not in left_out]
    classes = classes or (dataset.classes if by_class else WITHOUT_AND_WITH)
    cases = tuple(_as_found(case, by_class=classes != WITHOUT_AND_WITH) for case in kept)
    return replace(dataset, cases=cases, classes=classes, kinds=kinds, notes=tuple(notes))


def _told(dataset: Dataset, cases: Sequence[Case], kinds: Sequence[str]) -> bool:
    """Whether the class of an image says that there is a lesion: of two, where one is a kind, though no box may be of
    the other; else where no image with a box is of the first."""
    of_kinds = len(dataset.classes) == 2 and not set(dataset.classes).isdisjoint(kinds)
    return of_kinds or all(case.target for case in cases if case.boxes)


def _require_depth(cases: Sequence[Case]) -> None:
    """Accept boxes that say on which slices they lie, where images have several.

    Raises:
        DatasetError: None of them does.
    """
    boxed = [case for case in cases if case.boxes]
    if any((box.z0, box.z1) != (0.0, 1.0) for case in boxed for box in case.boxes):
        return
    for case in boxed:
        try:
            slices = outside(case.image).shape[0]
        except HounsfieldError:  # the next one can perhaps be read
            continue
        if slices > 1:
            raise DatasetError(
                f"{case.image.path} has {slices} slices, and boxes name none of them: give [box] z0 and z1 in the "
                "description, or a mask"
            )
        return


def positive_kinds(dataset: Dataset) -> tuple[str, ...]:
    """Kinds of which a single finding makes the whole image positive, of what `for_detection` gave."""
    return dataset.kinds if dataset.classes == WITHOUT_AND_WITH else (dataset.classes[1],)


def _as_found(case: Case, *, by_class: bool) -> Case:
    boxes: Sequence[Box] = [box if box.label else replace(box, label=LESION) for box in case.boxes]
    return replace(case, boxes=tuple(boxes), target=case.target if by_class else int(bool(boxes)))
