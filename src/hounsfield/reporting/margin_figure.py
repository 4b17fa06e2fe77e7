"""The figure of a criterion: where lesion and structure are closest, with the distance drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings.worksheet.answer import CriterionAnswer
from hounsfield.reporting.fonts import font
from hounsfield.reporting.margin_panels import SIDE, Panel
from hounsfield.reporting.pictures import write_picture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_PAPER, _INK, _SOFT, _FILM, _PENCIL = (246, 248, 250), (19, 32, 43), (77, 93, 105), (29, 92, 136), (179, 71, 0)
"""The colours of the pages, in light."""
_COLOURS = {"met": _FILM, "not met": _PENCIL, "cannot say": _SOFT}
_EDGE, _GAP, _HEAD, _LINE = 32, 16, 92, 24


def margin_figure(answer: CriterionAnswer, panels: Sequence[Panel]) -> NDArray[np.uint8]:
    """(height, width, 3): criterion and answer, the panels side by side, and why it is answered so.

    Args:
        answer: What was measured.
        panels: One or two, as `margin_panels` makes them.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    inner = max(2, len(panels)) * (SIDE + _GAP) - _GAP if len(panels) > 1 else SIDE
    measuring = ImageDraw.Draw(Pillow.new("RGB", (1, 1)))
    title = _lines(measuring, answer.name, inner - 150, size=24, bold=True)[:1]
    words = _lines(measuring, answer.why, inner, size=17)
    top = _HEAD
    size = (inner + 2 * _EDGE, top + SIDE + 44 + len(words) * _LINE + _EDGE)
    canvas = Pillow.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((_EDGE, 32), title[0] if title else "", _INK, font(24, bold=True))
    pen.text((size[0] - _EDGE, 34), answer.verdict, _COLOURS[answer.verdict], font(22, bold=True), anchor="ra")
    for number, panel in enumerate(panels):
        left = _EDGE + number * (SIDE + _GAP)
        canvas.paste(Pillow.fromarray(panel.pixels), (left, top))
        pen.text((left, top + SIDE + 10), _lines(pen, panel.caption, SIDE, size=15)[0], _SOFT, font(15))
    for number, line in enumerate(words):
        pen.text((_EDGE, top + SIDE + 44 + number * _LINE), line, _INK, font(17))
    return np.asarray(canvas)


def write_margin_figure(path: Path, answer: CriterionAnswer, panels: Sequence[Panel]) -> None:
    """Write `margin_figure` as PNG to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    write_picture(path, margin_figure(answer, panels))


def _lines(pen: ImageDraw, words: str, width: int, *, size: int, bold: bool = False) -> list[str]:
    """The words in lines that fit; a word longer than a line is cut."""
    letters = font(size, bold=bold)
    lines: list[str] = []
    for word in words.split():
        while pen.textlength(word, letters) > width and len(word) > 2:
            word = word[: len(word) // 2] + "…"
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and pen.textlength(joined, letters) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines or [""]
