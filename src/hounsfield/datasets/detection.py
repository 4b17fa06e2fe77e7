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

NONE_AND_ANY = ("no finding", "any finding")
"""Classes of images whose data have no class that a box is labelled with."""


def for_detection(
    dataset: Dataset, *, kinds: tuple[str, ...] = (), classes: tuple[str, ...] = (), positive: tuple[str, ...] = ()
) -> Dataset:
    """The images with boxes on them, and those without any, which have nothing to be found.

    Every label of a box is a kind; where each class of the data is a label, these are the kinds, and an image with a
    box that is labelled otherwise is left out, as a note says. An image keeps its class where, of two, the positive
    one is a label, and one with boxes whose class nobody wrote down has that which its boxes say; else its class is
    whether it has a box. Where the class says whether there is a lesion, an image of a positive class without a box is
    left out: it lies somewhere, and nobody says where.

    A model that is to be measured may have other classes than the data. Boxes say then which an image is of: the
    positive one where a box is of a positive kind. Data without any box keep their own classes.

    Args:
        dataset: As it was opened.
        kinds: Of a model that is to be measured on it, and so are `classes` and `positive`; chosen from the data where
            not given.
        classes: Of images as a whole.
        positive: Kinds of which one box makes an image positive.

    Raises:
        DatasetError: The cases are squares or have several images; or none of them has a box, and none is known; or
            boxes have labels that the model does not know, or lie in volumes and name no slices.
    """
    whole = whole_cases(dataset, "lesions are looked for")
    _require_depth(whole)
    kinds, others = _kinds_of(dataset, whole, kinds)
    by_class = len(dataset.classes) == 2 and dataset.classes[1] in kinds
    notes = list(dataset.notes)
    odd = [case.id for case in whole if any((box.label or LESION) not in kinds for box in case.boxes)]
    if odd:
        notes.append(
            f"{counted(len(odd), 'image')} with boxes labelled {', '.join(others)}, which is no class of the data, "
            f"left out: {some(odd)}"
        )
    classes = classes or (dataset.classes if by_class else NONE_AND_ANY)
    if classes == NONE_AND_ANY:
        keep_class, positive = False, ()
    else:
        keep_class, positive = classes == dataset.classes, positive or (classes[1],)
    with_lesion = _classes_with_lesion(dataset, whole, kinds, positive)
    unplaced = [case for case in whole if not case.boxes and _class_of(case, dataset) in with_lesion]
    if unplaced:
        of = dict.fromkeys(sorted((_class_of(case, dataset) for case in unplaced), key=dataset.classes.index))
        notes.append(
            f"{counted(len(unplaced), 'image')} of {' or '.join(of)} without a box left out, for nobody says where to "
            f"look: {some([case.id for case in unplaced])}"
        )
    left_out = {*odd, *(case.id for case in unplaced)}
    kept = [case for case in whole if case.id not in left_out]
    if positive and not keep_class:
        if not any(case.boxes for case in kept):
            return replace(dataset, cases=tuple(kept), kinds=kinds, notes=tuple(notes))
        own = f"the classes {', '.join(dataset.classes)}" if dataset.classes else "no classes"
        notes.append(f"whether an image is {classes[1]} is what its boxes say, for the data have {own}")
    cases = tuple(_as_found(case, positive, keep_class=keep_class) for case in kept)
    return replace(dataset, cases=cases, classes=classes, kinds=kinds, notes=tuple(notes))


def _kinds_of(dataset: Dataset, cases: Sequence[Case], kinds: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The kinds, of the model where they are given, and the labels of boxes that are none of them.

    Raises:
        DatasetError: As `for_detection`.
    """
    labels = Counter(box.label or LESION for case in cases for box in case.boxes)
    if not labels and not kinds:
        raise DatasetError(
            f"{dataset.name}: none of its {counted(len(cases), 'case')} has a box: there is nothing to learn to find; "
            "name the columns of the boxes in the description ([box])"
        )
    named = bool(dataset.classes) and all(name in (kinds or labels) for name in dataset.classes)
    kinds = kinds or (dataset.classes if named else tuple(sorted(labels, key=lambda name: (-labels[name], name))))
    if (others := sorted(set(labels) - set(kinds))) and not named:
        raise DatasetError(
            f"{dataset.name} has boxes labelled {', '.join(map(repr, others))}, and the model finds "
            f"{', '.join(kinds)}; name them as the model does ([box] values), or leave their images out ([box] drop)"
        )
    return kinds, others


def _class_of(case: Case, dataset: Dataset) -> str:
    """As the data have it; empty where nobody wrote it down."""
    return dataset.classes[case.target] if dataset.classes and case.target is not None else ""


def _classes_with_lesion(
    dataset: Dataset, cases: Sequence[Case], kinds: Sequence[str], positive: Sequence[str]
) -> list[str]:
    """Classes of the data of which each image has a lesion."""
    told = _told(dataset, cases, kinds)
    return [name for place, name in enumerate(dataset.classes) if (told and place) or name in positive]


def _told(dataset: Dataset, cases: Sequence[Case], kinds: Sequence[str]) -> bool:
    """Whether the class of an image says that there is a lesion: of two, where one is a kind, though no box may be of
    the other; else where no image with a box is of the first."""
    of_kinds = len(dataset.classes) == 2 and not set(dataset.classes).isdisjoint(kinds)
    return of_kinds or all(case.target != 0 for case in cases if case.boxes)


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
    return dataset.kinds if dataset.classes == NONE_AND_ANY else (dataset.classes[1],)


def _as_found(case: Case, positive: Sequence[str], *, keep_class: bool) -> Case:
    """The case with a label on each box, and its class: its own where that is kept and somebody wrote it down, or there
    is no box to go by; else whether a box is of a positive kind, or where there are none of these, whether it has one.
    """
    boxes: Sequence[Box] = [box if box.label else replace(box, label=LESION) for box in case.boxes]
    target = case.target
    if not keep_class or (target is None and boxes):
        target = int(any(box.label in positive or not positive for box in boxes))
    return replace(case, boxes=tuple(boxes), target=target)
