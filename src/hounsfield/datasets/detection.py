"""A data set as one of images on which lesions are to be found: the kinds of boxes, and a class for the whole image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.lesions import is_whole
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box

LESION = "lesion"
"""Kind of boxes that have no label."""

WITHOUT_AND_WITH = ("without", "with")
"""Classes of images whose data have no class that a box is labelled with."""


def for_detection(dataset: Dataset) -> Dataset:
    """The images with boxes on them, and those without any, which have nothing to be found.

    Every label of a box is a kind; where each class of the data is a label, these are the kinds, and an image with a
    box that is labelled otherwise is left out, as a note says. An image keeps its class where, of two, the positive
    one is a label; else its class is whether it has a box.

    Raises:
        DatasetError: The cases are squares, have several images, or none of them has a box.
    """
    whole = [case for case in dataset.cases if is_whole(case)]
    if len(whole) < len(dataset.cases):
        other = next(case for case in dataset.cases if not is_whole(case))
        raise DatasetError(
            f"{dataset.name}: lesions are looked for on whole images, and the case {other.id!r} is "
            + ("a square cut out of one" if len(other.images) == 1 else f"{len(other.images)} images")
            + "; use a description without [crop] and [views], whose cases are whole images"
        )
    labels = Counter(box.label or LESION for case in whole for box in case.boxes)
    if not labels:
        raise DatasetError(
            f"{dataset.name}: none of its {counted(len(whole), 'case')} has a box: there is nothing to learn to find; "
            "name the columns of the boxes in the description ([box])"
        )
    named = bool(dataset.classes) and all(name in labels for name in dataset.classes)
    kinds = dataset.classes if named else tuple(sorted(labels, key=lambda name: (-labels[name], name)))
    known = [case for case in whole if all((box.label or LESION) in kinds for box in case.boxes)]
    by_class = len(dataset.classes) == 2 and dataset.classes[1] in kinds
    notes = list(dataset.notes)
    if left_out := [case.id for case in whole if case not in known]:
        others = ", ".join(sorted(set(labels) - set(kinds)))
        notes.append(
            f"{counted(len(left_out), 'image')} with boxes labelled {others}, which is no class of the data, left out: "
            f"{some(left_out)}"
        )
    classes = dataset.classes if by_class else WITHOUT_AND_WITH
    cases = tuple(_as_found(case, by_class=by_class) for case in known)
    return replace(dataset, cases=cases, classes=classes, kinds=kinds, notes=tuple(notes))


def positive_kinds(dataset: Dataset) -> tuple[str, ...]:
    """Kinds of which a single finding makes the whole image positive, of what `for_detection` gave."""
    return dataset.kinds if dataset.classes == WITHOUT_AND_WITH else (dataset.classes[1],)


def _as_found(case: Case, *, by_class: bool) -> Case:
    boxes: Sequence[Box] = [box if box.label else replace(box, label=LESION) for box in case.boxes]
    return replace(case, boxes=tuple(boxes), target=case.target if by_class else int(bool(boxes)))
