"""Boxes that do not lie on their image, and tables of boxes that may count pixels of images of another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hounsfield.datasets.case import Case
from hounsfield.datasets.headers import outside as seen_from_outside
from hounsfield.datasets.lesions import is_whole
from hounsfield.datasets.load import check_box
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError, HounsfieldError
from hounsfield.findings.region import Box

_SLACK = 1.0
"""Pixels that a box may reach over the border by, of rounding."""


@dataclass(frozen=True)
class Misplaced:
    """Where boxes of whole images lie."""

    images: int = 0
    """With boxes, of those that can be read."""
    outside: tuple[tuple[str, str], ...] = ()
    """Ids of cases with a box that does not lie on the image, each with the reason as a sentence."""
    over: tuple[str, ...] = ()
    """Ids of cases with a box that lies on it and reaches over its border."""


def misplaced_boxes(cases: Sequence[Case]) -> Misplaced:
    """Where the boxes of cases lie that are one whole image each; images that cannot be read are passed over."""
    boxed = [case for case in cases if case.boxes and is_whole(case)]
    outside, over, images = [], [], 0
    headers = in_threads(lambda case: seen_from_outside(case.image), boxed, "looking at boxes")
    for case, header in zip(boxed, headers, strict=True):
        if isinstance(header, HounsfieldError):
            continue
        images += 1
        try:
            for box in case.boxes:
                check_box(box, header.shape, where=str(case.image.path))
        except DatasetError as error:
            outside.append((case.id, str(error)))
            continue
        if any(_reaches_over(box, header.shape) for box in case.boxes):
            over.append(case.id)
    return Misplaced(images, tuple(outside), tuple(over))


def _reaches_over(box: Box, shape: tuple[int, ...]) -> bool:
    deep = shape[0] if len(shape) == 3 else box.z1
    firsts, lasts = (box.x0, box.y0, box.z0), (box.x1, box.y1, box.z1)
    sides = (shape[-1], shape[-2], deep)
    return min(firsts) < -_SLACK or any(last > side + _SLACK for last, side in zip(lasts, sides, strict=True))
