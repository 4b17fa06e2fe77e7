"""Squares of whole images: around their boxes, and from elsewhere on them, as cases of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import ONE_VIEW, Case, Crop, ImageRef
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.findings.region import Box

ELSEWHERE = "elsewhere"
"""Class of a square without a lesion."""

_ATTEMPTS = 60
"""To find a place without a lesion; where lesions fill an image, none is taken."""

_BRIGHT = 0.15
"""Share of the 99.5th percentile of an image above which there is tissue and not background."""


def lesion_counts(cases: Sequence[Case]) -> dict[str, int]:
    """Boxes on whole images by their label, the commonest first; none where cases are squares or have several views."""
    labels = (box.label for case in cases if _is_whole(case) for box in case.boxes)
    return dict(Counter(filter(None, labels)).most_common())


def lesion_squares(cases: Sequence[Case], *, classes: Sequence[str], side: int, seed: int) -> tuple[Case, ...]:
    """A square around each box whose label is one of `classes`, and one without any box from each image.

    An image that cannot be read gives none.

    Args:
        cases: Of whole images with boxes.
        classes: Labels; a square's target is 1 for the first, 2 for the second …, and 0 where it shows no lesion.
        side: Of a square, in pixels of the image as stored.
        seed: Of the places without lesions; each case's come from the seed and its number.
    """
    numbered = [(number, case) for number, case in enumerate(cases) if _is_whole(case) and case.boxes]
    found = in_threads(
        lambda item: _elsewhere(item[1], side, np.random.default_rng([seed, item[0]])), numbered, "choosing squares"
    )
    squares: list[Case] = []
    for (_, case), place in zip(numbered, found, strict=True):
        if isinstance(place, Exception):
            continue
        for number, box in enumerate(case.boxes):
            if box.label in classes:
                squares.append(_square(case, f"box-{number}", box.center, side, 1 + classes.index(box.label)))
        if place is not None:
            squares.append(_square(case, ELSEWHERE, place, side, 0))
    return tuple(squares)


def _is_whole(case: Case) -> bool:
    return tuple(case.images) == ONE_VIEW and case.image.crop is None


def _square(case: Case, name: str, center: tuple[float, float], side: int, target: int) -> Case:
    x, y = center
    box = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    ref = replace(case.image, crop=Crop(box, context=1.0))
    return Case(id=f"{case.id} {name}", patient=case.patient, images={"image": ref}, target=target)


def _elsewhere(case: Case, side: int, rng: np.random.Generator) -> tuple[float, float] | None:
    """The middle of a square on tissue that shows at most the border of a box."""
    plane = _plane(case.image)
    rows, columns = np.nonzero(plane > _BRIGHT * np.percentile(plane, 99.5))
    for _ in range(_ATTEMPTS if len(rows) else 0):
        place: Any = rng.integers(len(rows))
        x, y = float(columns[place]), float(rows[place])
        if not any(_shows(box, x, y, side) for box in case.boxes):
            return x, y
    return None


def _shows(box: Box, x: float, y: float, side: int) -> bool:
    """Whether the middle of a square around (x, y) lies in a box, or it reaches further than a quarter into it."""
    middle_x, middle_y = box.center
    if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1:
        return True
    return abs(x - middle_x) < side / 2 + box.width / 4 and abs(y - middle_y) < side / 2 + box.height / 4


def _plane(ref: ImageRef) -> VoxelArray:
    voxels = load(ref).voxels[:, 0]
    plane: VoxelArray = voxels.mean(axis=0) if len(voxels) > 1 else voxels[0]
    return plane
