"""Findings and lesions marked on a film: boxes and places in colours that are told apart, each with a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings import Box, Finding, Point
from hounsfield.image import Image
from hounsfield.reporting import wording
from hounsfield.reporting.fonts import font

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Kind = Literal["lesion", "missed", "found", "false alarm", "landmark"]

COLOURS: dict[Kind, tuple[int, int, int]] = {
    "lesion": (255, 255, 255),
    "missed": (255, 196, 0),
    "found": (64, 214, 196),
    "false alarm": (255, 122, 60),
    "landmark": (255, 255, 255),
}
"""Of the truth in the data, found or not, and of what was called a lesion, or a landmark."""

_DARK = (8, 12, 16)

_NEAR = 0.06
"""Share of a volume's slices within which a landmark is drawn on a slice that it is not quite in."""


@dataclass(frozen=True)
class Mark:
    """A box and what it is."""

    box: Box
    kind: Kind
    words: str = ""


@dataclass(frozen=True)
class Spot:
    """A place and what it is."""

    point: Point
    kind: Kind
    words: str = ""
    path: tuple[Point, ...] = ()
    """Where an agent walked to it."""


def placed(findings: Sequence[Finding]) -> int:
    """How many findings have a place."""
    return sum(finding.box is not None or finding.point is not None for finding in findings)


def marks_of(findings: Sequence[Finding], *, most: int) -> list[Mark | Spot]:
    """The surest findings of a reading, each with its label, probability and size, and all landmarks with their
    names."""
    found: list[Mark | Spot] = [
        Mark(finding.box, "found", found_words(finding))
        for finding in [finding for finding in findings if finding.box is not None][:most]
        if finding.box is not None
    ]
    located = [finding for finding in findings if finding.point is not None]
    return found + [Spot(one.point, "found", one.label, one.path) for one in located if one.point is not None]


def found_words(finding: Finding) -> str:
    """What was found, how sure that is and how large: "malignant 0.83, 18 × 12 mm"."""
    sure = f"{finding.label} {wording.number(finding.probability, 2)}"
    if not finding.sides:
        return sure
    return f"{sure}, {' × '.join(wording.number(side, 0) for side in finding.sides)} {finding.sides_unit}"


def best_slice(marks: Sequence[Mark | Spot], image: Image) -> int:
    """Depth index of the slice on which most marks are drawn, of equally good ones the middle; without any the middle
    of the image."""
    depth = image.shape[0]
    seen = [sum(on_slice(mark, index, depth) for mark in marks) for index in range(depth)]
    best = [index for index in range(depth) if seen[index] == max(seen)]
    return best[len(best) // 2]


def on_slice(mark: Mark | Spot, index: int, depth: int) -> bool:
    """Whether a mark is drawn on a slice of an image of so many."""
    if isinstance(mark, Mark):
        return depth == 1 or mark.box.z0 - 0.5 <= index <= mark.box.z1 - 0.5
    return abs(mark.point.z - 0.5 - index) <= max(0.5, _NEAR * depth)


def draw_marks(
    pixels: NDArray[np.uint8], marks: Sequence[Mark | Spot], image: Image, *, depth_index: int = 0
) -> NDArray[np.uint8]:
    """The pixels in colour, with every mark on a dark line so that it is seen on any tissue; a lesion's is dashed.

    Args:
        pixels: (height, width) or (height, width, 3), the whole image at any size.
        marks: In pixels of `image`.
        image: As stored.
        depth_index: Of a volume, the slice that is shown: marks that do not reach it are left out.
    """
    marks = [mark for mark in marks if on_slice(mark, depth_index, image.shape[0])]
    if not marks:
        return pixels
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.fromarray(pixels).convert("RGB")
    pen = ImageDraw.Draw(canvas)
    down, across = pixels.shape[0] / image.shape[1], pixels.shape[1] / image.shape[2]
    size = max(11, round(min(pixels.shape[:2]) / 32))
    for mark in marks:
        if isinstance(mark, Spot):
            _draw_spot(pen, mark, (down, across), size)
            continue
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
            y = top - size - 7 if top >= size + 8 else min(bottom + 3, pixels.shape[0] - size - 5)
            _write(pen, mark.words, (left, y), colour, size, pixels.shape[1])
    return np.asarray(canvas)


def _write(
    pen: ImageDraw, words: str, place: tuple[float, float], colour: tuple[int, int, int], size: int, across: int
) -> None:
    """Words on a dark plate, moved so that they end on the picture."""
    letters = font(size)
    width = pen.textlength(words, letters)
    x, y = min(max(0.0, place[0]), max(0.0, across - width - 6)), place[1]
    pen.rectangle((x, y, x + width + 6, y + size + 5), fill=_DARK)
    pen.text((x + 3, y + 1), words, colour, letters)


def _draw_spot(pen: ImageDraw, spot: Spot, scale: tuple[float, float], size: int) -> None:
    """A cross where a landmark was located, a ring where it is, and the way that an agent took."""
    down, across = scale
    colour = COLOURS[spot.kind]
    way = [(point.x * across, point.y * down) for point in spot.path]
    if len(way) > 1:
        pen.line(way, fill=_DARK, width=4, joint="curve")
        pen.line(way, fill=colour, width=2, joint="curve")
    x, y, arm = spot.point.x * across, spot.point.y * down, max(5.0, 0.6 * size)
    if spot.kind == "landmark":
        for width, ink in ((4, _DARK), (2, colour)):
            pen.ellipse((x - arm, y - arm, x + arm, y + arm), outline=ink, width=width)
        return
    for width, ink in ((4, _DARK), (2, colour)):
        pen.line((x - arm, y, x + arm, y), fill=ink, width=width)
        pen.line((x, y - arm, x, y + arm), fill=ink, width=width)
    if spot.words:
        _write(pen, spot.words, (x + arm, y + arm), colour, size, pen.im.size[0])


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
