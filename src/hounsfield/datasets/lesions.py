"""Squares of whole images: around their boxes, and from elsewhere on them, as cases of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import ONE_VIEW, Case, Crop, Dataset
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box

ELSEWHERE = "elsewhere"
"""Class of a square without a lesion."""

Place = tuple[float, float]
"""(x, y) in pixels of the image as stored."""

_ATTEMPTS = 60
"""To find a place without a lesion; where lesions fill an image, none is taken."""

_BRIGHT = 0.15
"""Where an image has tissue: so far from its 0.5th to its 99.5th percentile, or further."""

_SHOWN = 0.1
"""Of a box, or of a square that is the smaller of the two, that a square without a lesion may show of it."""

_PIXELS = 512
"""Along the longer side, of the picture on which places are sought."""


@dataclass(frozen=True)
class LesionCounts:
    """Boxes on whole images, one a case."""

    boxes: Mapping[str, int] = field(default_factory=dict)
    """By label, the commonest first."""
    patients: Mapping[str, int] = field(default_factory=dict)
    """Who have a box of this label."""
    images: int = 0
    """With boxes."""


def count_lesions(cases: Sequence[Case]) -> LesionCounts:
    """The boxes of cases that are one whole image each; none of squares, or of several views."""
    whole = [case for case in cases if is_whole(case)]
    patients: dict[str, list[str]] = {}
    for case in whole:
        for box in case.boxes:
            if box.label:
                patients.setdefault(box.label, []).append(case.patient)
    in_order = sorted(patients.items(), key=lambda item: -len(item[1]))
    return LesionCounts(
        boxes={label: len(found) for label, found in in_order},
        patients={label: len(set(found)) for label, found in in_order},
        images=sum(bool(case.boxes) for case in whole),
    )


def whole_cases(dataset: Dataset, what: str) -> tuple[Case, ...]:
    """The cases, each of which must be one whole image.

    Args:
        dataset: The cases.
        what: Is done on them, for the message: "lesions are looked for".

    Raises:
        DatasetError: One is not.
    """
    for case in dataset.cases:
        if not is_whole(case):
            raise DatasetError(
                f"{dataset.name}: {what} on whole images, and the case {case.id!r} is "
                + ("a square cut out of one" if len(case.images) == 1 else f"{len(case.images)} images")
                + "; use a description without [crop] and [views], whose cases are whole images"
            )
    return dataset.cases


def is_whole(case: Case) -> bool:
    """Whether a case is one image, and no square of it."""
    return tuple(case.images) == ONE_VIEW and case.image.crop is None


def lesion_squares(
    cases: Sequence[Case], elsewhere: Mapping[str, Place], *, classes: Sequence[str], side: int
) -> tuple[Case, ...]:
    """A square around each box whose label is one of `classes`, and one around each place elsewhere.

    Args:
        cases: Of whole images with boxes.
        elsewhere: A place without a lesion, by case, where there is one.
        classes: Labels; a square's target is 1 for the first, 2 for the second …, and 0 where it shows no lesion.
        side: Of a square, in pixels of the image as stored.
    """
    squares: list[Case] = []
    for case in cases:
        for number, box in enumerate(case.boxes):
            if box.label in classes:
                squares.append(_square(case, f"box-{number}", box.center, side, 1 + classes.index(box.label)))
        if case.id in elsewhere:
            squares.append(_square(case, ELSEWHERE, elsewhere[case.id], side, 0))
    return tuple(squares)


def has_elsewhere(case: Case, others: Collection[int]) -> bool:
    """Whether a case's image has a place known to show no lesion: it has boxes, or its class is one of `others`."""
    return is_whole(case) and (bool(case.boxes) or case.target in others)


def free_place(plane: VoxelArray, boxes: Sequence[Box], side: int, rng: np.random.Generator) -> Place | None:
    """The middle of a square on tissue that shows next to nothing of any box, drawn at random; None if none is found.

    Args:
        plane: (height, width), bright where there is tissue.
        boxes: In pixels of the plane.
        side: Of the square, in these pixels.
        rng: Draws the place.
    """
    step = max(1, max(plane.shape) // _PIXELS)
    picture = plane[::step, ::step]
    low, high = np.percentile(picture, (0.5, 99.5))
    tissue = np.flatnonzero(picture > low + _BRIGHT * (high - low))
    for _ in range(_ATTEMPTS if len(tissue) else 0):
        row, column = divmod(int(tissue[rng.integers(len(tissue))]), picture.shape[1])
        square = _around((float(column * step), float(row * step)), side)
        if not any(_share_shown(square, box) > _SHOWN for box in boxes):
            return square.center
    return None


def _share_shown(square: Box, box: Box) -> float:
    """Area that both have, as a share of the smaller one."""
    width = min(square.x1, box.x1) - max(square.x0, box.x0)
    height = min(square.y1, box.y1) - max(square.y0, box.y0)
    return max(0.0, width) * max(0.0, height) / max(1e-9, min(square.width * square.height, box.width * box.height))


def _around(center: Place, side: int) -> Box:
    x, y = center
    return Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)


def _square(case: Case, name: str, center: Place, side: int, target: int) -> Case:
    ref = replace(case.image, crop=Crop(_around(center, side), context=1.0))
    return Case(id=f"{case.id} {name}", patient=case.patient, images={"image": ref}, target=target)
