"""The contact sheet: a few cases of each class, small, as one looks at data before learning from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.datasets.case import Case, Dataset
from hounsfield.image import Image
from hounsfield.reporting.pictures import Picture, film_picture

NO_CLASS = "no class"

THUMBNAIL = 240
"""Longer side of a picture in the sheet, in pixels."""


@dataclass(frozen=True)
class Thumbnail:
    """A case in the sheet."""

    case: str
    label: str
    picture: Picture


def choose_contact_cases(dataset: Dataset, *, most: int = 24, seed: int = 0) -> tuple[Case, ...]:
    """Cases drawn at random, as many of each class as of the others, each from another patient while there are.

    Args:
        dataset: Cases without a class count as a class of their own.
        most: How many in all.
        seed: Of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(dataset.cases))
    groups: dict[int, list[Case]] = {}
    later: dict[int, list[Case]] = {}
    patients: set[str] = set()
    for index in order:
        case = dataset.cases[index]
        label = -1 if case.target is None else case.target
        (later if case.patient in patients else groups).setdefault(label, []).append(case)
        patients.add(case.patient)
    labels = sorted({*groups, *later})
    each = max(1, most // max(1, len(labels)))
    chosen = [case for label in labels for case in [*groups.get(label, []), *later.get(label, [])][:each]]
    return tuple(chosen[:most])


def thumbnails(cases: Iterable[tuple[Case, Image]], classes: Sequence[str]) -> tuple[Thumbnail, ...]:
    """The pictures of the cases; images are taken one by one, so that they need not be in memory together.

    Boxes are drawn on whole films; on one that was cut around its box they would lie elsewhere.
    """
    found = []
    for case, image in cases:
        label = NO_CLASS if case.target is None else classes[case.target]
        boxes = () if any(ref.crop for ref in case.images.values()) else case.boxes
        picture = film_picture(image, alt=f"Case {case.id}, {label}", max_side=THUMBNAIL, boxes=boxes)
        found.append(Thumbnail(case.id, label, picture))
    return tuple(found)


def by_class(found: Sequence[Thumbnail], classes: Sequence[str]) -> list[tuple[str, list[Thumbnail]]]:
    """The pictures of each class that has some, in the order of the classes; those without one come last."""
    groups = [(label, [one for one in found if one.label == label]) for label in (*classes, NO_CLASS)]
    return [(label, members) for label, members in groups if members]
