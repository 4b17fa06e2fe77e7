"""Findings and lesions marked on a film: boxes in colours that are told apart, each with a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings import Box, Finding
from hounsfield.image import Image
from hounsfield.reporting import wording
from hounsfield.reporting.fonts import font

Kind = Literal["lesion", "missed", "found", "false alarm"]

COLOURS: dict[Kind, tuple[int, int, int]] = {
    "lesion": (255, 255, 255),
    "missed": (255, 196, 0),
    "found": (64, 214, 196),
    "false alarm": (255, 122, 60),
}
"""Of the truth in the data, found or not, and of what was called a lesion."""

_DARK = (8, 12, 16)


@dataclass(frozen=True)
class Mark:
    """A box and what it is."""

    box: Box
    kind: Kind
    words: str = ""


def placed(findings: Sequence[Finding]) -> int:
    """How many findings have a place."""
    return sum(finding.box is not None for finding in findings)


def marks_of(findings: Sequence[Finding], *, most: int) -> list[Mark]:
    """The surest findings of a reading, each with its label and probability."""
    surest = [finding for finding in findings if finding.box is not None][:most]
    return [
        Mark(finding.box, "found", f"{finding.label} {wording.number(finding.probability, 2)}")
        for finding in surest
        if finding.box is not None
    ]


def draw_marks(pixels: NDArray[np.uint8], marks: Sequence[Mark], image: Image) -> NDArray[np.uint8]:
    """The pixels in colour, with every mark on a dark line so that it is seen on any tissue; a lesion's is dashed.

    Args:
        pixels: (height, width) or (height, width, 3), the whole image at any size.
        marks: In pixels of `image`.
        image: As stored.
    """
    if not marks:
        return pixels
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.fromarray(pixels).convert("RGB")
    pen = ImageDraw.Draw(canvas)
    down, across = pixels.shape[0] / image.shape[1], pixels.shape[1] / image.shape[2]
    size = max(11, round(min(pixels.shape[:2]) / 32))
    for mark in marks:
        left, right = sorted((mark.box.x0 * across, mark.box.x1 * across))
        top, bottom = sorted((mark.box.y0 * down, mark.box.y1 * down))
        colour = COLOURS[mark.kind]
        if mark.kind in ("lesion", "missed"):
            for edge in _dashes(left, top, right, bottom):
                pen.line(edge, fill=_DARK, width=4)
                pen.line(edge, fill=colour, width=2)
        else:
            pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_DARK, width=4)
            pen.rectangle((left, top, right, bottom), outline=colour, width=2)
        if mark.words:
            letters = font(size)
            width = pen.textlength(mark.words, letters)
            x = min(max(0.0, left), max(0.0, pixels.shape[1] - width - 6))
            y = top - size - 7 if top >= size + 8 else min(bottom + 3, pixels.shape[0] - size - 5)
            pen.rectangle((x, y, x + width + 6, y + size + 5), fill=_DARK)
            pen.text((x + 3, y + 1), mark.words, colour, letters)
    return np.asarray(canvas)


def _dashes(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float, float, float]]:
    """The edges of a rectangle in pieces."""
    pieces: list[tuple[float, float, float, float]] = []
    for start, end, across in ((left, right, True), (top, bottom, False)):
        places = np.arange(start, max(end, start + 1), 10.0).tolist()
        for place in places:
            until = min(place + 6, end)
            if across:
                pieces += [(place, top, until, top), (place, bottom, until, bottom)]
            else:
                pieces += [(left, place, left, until), (right, place, right, until)]
    return pieces
