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
from hounsfield.reporting.colours import DARK
from hounsfield.reporting.plates import Plates, Side

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

_NEAR = 0.06
"""Share of a volume's slices within which a landmark is drawn on a slice that it is not quite in."""

_TOLD = 0.005
"""Probability of a kind from which on it is said."""


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
    """What was found, how sure that is and how large: "mass 0.83, 18 × 12 mm", or of several kinds "malignant 0.33, any
    kind 0.64, 18 × 12 mm"."""
    return _sized(sure_words(finding.label, finding.probability, finding.by_kind), finding)


def found_in_full(finding: Finding) -> str:
    """The same with every kind that it may be: "malignant 0.33, benign 0.31, any kind 0.64, 18 × 12 mm"."""
    kinds = len(finding.by_kind)
    return _sized(sure_words(finding.label, finding.probability, finding.by_kind, named=kinds), finding)


def sure_words(label: str, probability: float, by_kind: Sequence[tuple[str, float]] = (), *, named: int = 1) -> str:
    """How sure it is that there is something: never the probability of all kinds together beside the name of one.

    Args:
        label: The likeliest kind.
        probability: That there is something, of whatever kind.
        by_kind: Of several kinds, each with its share of the probability.
        named: How many of them are said, the likeliest first; beyond the first none that rounds to 0.
    """
    if len(by_kind) < 2:
        return f"{label} {wording.number(probability, 2)}"
    first, *others = sorted(by_kind, key=lambda pair: -pair[1])[:named]
    told = [first, *(pair for pair in others if pair[1] >= _TOLD), ("any kind", probability)]
    return ", ".join(f"{name} {wording.number(share, 2)}" for name, share in told)


def _sized(sure: str, finding: Finding) -> str:
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
    scale = pixels.shape[0] / image.shape[1], pixels.shape[1] / image.shape[2]
    size = max(11, round(min(pixels.shape[:2]) / 32))
    boxes = [_edges(mark, scale) for mark in marks if isinstance(mark, Mark)]
    plates = Plates(pen, size, across=pixels.shape[1], down=pixels.shape[0], drawn=boxes)
    beside = [
        _draw_spot(pen, mark, scale, size) if isinstance(mark, Spot) else _draw_box(pen, mark, scale) for mark in marks
    ]
    for mark, (left, top, bottom) in zip(marks, beside, strict=True):  # after all lines, which else would cross them
        if mark.words:
            first: Side = "below" if isinstance(mark, Spot) else "above"
            plates.write(mark.words, left, above=top, below=bottom, colour=COLOURS[mark.kind], first=first)
    return np.asarray(canvas)


def _draw_box(pen: ImageDraw, mark: Mark, scale: tuple[float, float]) -> tuple[float, float, float]:
    """A rectangle; where its words begin, and end above it or begin below."""
    left, top, right, bottom = _edges(mark, scale)
    colour = COLOURS[mark.kind]
    if mark.kind in ("lesion", "missed"):
        for edge in _dashes(left, top, right, bottom):
            pen.line(edge, fill=DARK, width=4)
            pen.line(edge, fill=colour, width=2)
    else:
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=DARK, width=4)
        pen.rectangle((left, top, right, bottom), outline=colour, width=2)
    return left, top - 2, bottom + 3


def _edges(mark: Mark, scale: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box on a picture."""
    down, across = scale
    return mark.box.x0 * across, mark.box.y0 * down, mark.box.x1 * across, mark.box.y1 * down


def _draw_spot(pen: ImageDraw, spot: Spot, scale: tuple[float, float], size: int) -> tuple[float, float, float]:
    """A cross where a landmark was located, a ring where it is, and the way that an agent took; where its words begin,
    and end above it or begin below."""
    down, across = scale
    colour = COLOURS[spot.kind]
    way = [(point.x * across, point.y * down) for point in spot.path]
    if len(way) > 1:
        pen.line(way, fill=DARK, width=4, joint="curve")
        pen.line(way, fill=colour, width=2, joint="curve")
    x, y, arm = spot.point.x * across, spot.point.y * down, max(5.0, 0.6 * size)
    for width, ink in ((4, DARK), (2, colour)):
        if spot.kind == "landmark":
            pen.ellipse((x - arm, y - arm, x + arm, y + arm), outline=ink, width=width)
        else:
            pen.line((x - arm, y, x + arm, y), fill=ink, width=width)
            pen.line((x, y - arm, x, y + arm), fill=ink, width=width)
    return x + arm, y - arm, y + arm


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
