"""The figure of the case study: film, heat, label and probability of one case, as a picture of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import FloatArray
from hounsfield.findings import Answer, Box
from hounsfield.image import Image
from hounsfield.reporting import heat as heat_colouring
from hounsfield.reporting import wording
from hounsfield.reporting.close_up import close_up
from hounsfield.reporting.colours import DARK
from hounsfield.reporting.fonts import font, shortened
from hounsfield.reporting.marks import COLOURS, Mark, Spot, draw_marks
from hounsfield.reporting.pictures import draw_boxes, film_pixels, write_picture
from hounsfield.reporting.windowing import shown_slice

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

_PAPER, _INK, _SOFT, _LINE = (246, 248, 250), (19, 32, 43), (77, 93, 105), (211, 220, 227)
_FILM, _PENCIL = (29, 92, 136), (179, 71, 0)
"""The colours of the pages, in light."""

_MARGIN, _PANEL, _GAP, _WORDS = 48, 520, 16, 440
"""Pixels: around everything, width of a film, between the films, width of the column of words."""
_HEAD, _FOOT = 92, 64
_BELOW_WORDS, _ABOVE_FOOT, _LEAST_ENLARGED = 340, 76, 160
"""Pixels of the column above and below the finding that is enlarged, and how many it needs."""
_TALLEST = 720


def case_figure(
    image: Image,
    heat: FloatArray | None,
    answer: Answer | None,
    *,
    title: str = "",
    subtitle: str = "",
    reason: str = "",
    by_threshold: bool = True,
    scanned: bool = False,
    boxes: Sequence[Box] = (),
    marks: Sequence[Mark | Spot] = (),
    findings: int | None = None,
    landmarks: Sequence[tuple[str, str]] = (),
    depth_index: int | None = None,
) -> NDArray[np.uint8]:
    """(height, 1640, 3): the film, the film with its heat, and beside them label, probability and threshold.

    Args:
        image: As stored; of a volume the slice with the strongest heat is shown.
        heat: (height, width) or (depth, height, width), in [0, 1]; None leaves its place empty and says so.
        answer: None when none was given; then `reason` says why.
        title: Name of the case.
        subtitle: For instance the model's name, version and hash.
        reason: Why there is no answer.
        by_threshold: False where there are more than two classes and the largest probability decides.
        scanned: Whether the answer is that of the most suspicious square of a scan, for which no threshold holds.
        boxes: Drawn over the heat, in pixels of the image.
        marks: Findings, drawn on the second film, over the heat if there is any; the first is enlarged.
        findings: How many there are, some of which may not be drawn; None where nothing was looked for.
        landmarks: Of an image whose landmarks were located, their names and where they lie, in words, in the place of
            an answer.
        depth_index: Of a volume, the slice to show in place of that with the strongest heat.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    films = _films(image, heat, boxes, marks, shown_slice(image, heat) if depth_index is None else depth_index)
    tall = max(360, *(film.shape[0] for film in films))
    size = (2 * _MARGIN + 2 * _PANEL + _GAP + 3 * _GAP + _WORDS, _HEAD + tall + _FOOT)
    canvas = Pillow.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((_MARGIN, 34), shortened(pen, title or "Case", font(26, bold=True), 1000), _INK, font(26, bold=True))
    for left in (_MARGIN, _MARGIN + _PANEL + _GAP):
        pen.rectangle((left, _HEAD, left + _PANEL - 1, _HEAD + tall - 1), fill=(0, 0, 0))
    for number, film in enumerate(films):
        left = _MARGIN + number * (_PANEL + _GAP)
        place = (left + (_PANEL - film.shape[1]) // 2, _HEAD + (tall - film.shape[0]) // 2)
        canvas.paste(Pillow.fromarray(film), place)
    if heat is None and not marks:
        middle = (_MARGIN + _PANEL + _GAP + _PANEL // 2, _HEAD + tall // 2)
        pen.text(middle, "no heat" if findings is None else "nothing found", (160, 175, 186), font(20), anchor="mm")
    _captions(canvas, pen, _HEAD + tall, has_heat=heat is not None, found=_found_words(len(marks), findings))
    column = (_MARGIN + 2 * _PANEL + 4 * _GAP, _HEAD, tall)
    if landmarks:
        _landmark_words(pen, column, landmarks)
    elif scanned and answer is not None:
        _scan_words(pen, column, answer)
    else:
        _words(pen, column, answer, reason, by_threshold)
        surest = next((mark for mark in marks if isinstance(mark, Mark)), None)
        if surest is not None and answer is not None:
            _enlarged(canvas, pen, column, image, surest, depth_index or 0)
    _foot(pen, column, subtitle)
    return np.asarray(canvas)


def write_case_figure(
    path: Path,
    image: Image,
    heat: FloatArray | None,
    answer: Answer | None,
    *,
    title: str = "",
    subtitle: str = "",
    reason: str = "",
    by_threshold: bool = True,
    scanned: bool = False,
    boxes: Sequence[Box] = (),
    marks: Sequence[Mark | Spot] = (),
    findings: int | None = None,
    landmarks: Sequence[tuple[str, str]] = (),
    depth_index: int | None = None,
) -> None:
    """Write `case_figure` as PNG to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    pixels = case_figure(
        image,
        heat,
        answer,
        title=title,
        subtitle=subtitle,
        reason=reason,
        by_threshold=by_threshold,
        scanned=scanned,
        boxes=boxes,
        marks=marks,
        findings=findings,
        landmarks=landmarks,
        depth_index=depth_index,
    )
    write_picture(path, pixels)


def _films(
    image: Image, heat: FloatArray | None, boxes: Sequence[Box], marks: Sequence[Mark | Spot], slice_: int
) -> list[NDArray[np.uint8]]:
    """The film and the film with heat, or with findings, in colour, as large as fits a panel."""
    import cv2

    film = film_pixels(image, depth_index=slice_, max_side=_TALLEST)
    factor = min(_PANEL / film.shape[1], _TALLEST / film.shape[0])
    width, height = max(1, round(film.shape[1] * factor)), max(1, round(film.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST if factor >= 2 else cv2.INTER_LINEAR
    film = np.asarray(cv2.resize(film, (width, height), interpolation=method), dtype=np.uint8)
    plain = film if film.ndim == 3 else np.repeat(film[:, :, None], 3, axis=2)
    if heat is None and not marks:
        return [plain]
    below = plain
    if heat is not None:
        warm = heat_colouring.fitted_heat(heat, depth_index=slice_, shape=(height, width))
        below = draw_boxes(heat_colouring.overlay(film, warm), boxes, image)
    return [plain, draw_marks(below, marks, image, depth_index=slice_)]


def _found_words(drawn: int, findings: int | None) -> str:
    """How many findings are drawn, of how many; empty where nothing was looked for."""
    if findings is None:
        return ""
    return wording.plural(findings, "finding") if drawn == findings else f"{drawn} of {findings} findings"


def _captions(canvas: PillowImage, pen: ImageDraw, top: int, *, has_heat: bool, found: str) -> None:
    """What each panel is, and the scale of the heat."""
    from PIL import Image as Pillow

    y = top + 14
    pen.text((_MARGIN, y), "Film", _SOFT, font(17))
    left = _MARGIN + _PANEL + _GAP
    pen.text((left, y), f"{found}, heat" if found and has_heat else found or "Film and heat", _SOFT, font(17))
    if has_heat:
        bar, right = 120, left + _PANEL
        pen.text((right, y), "strongest", _SOFT, font(17), anchor="ra")
        right -= round(pen.textlength("strongest", font(17))) + 10
        canvas.paste(Pillow.fromarray(heat_colouring.scale(bar, 10)), (right - bar, y + 7))
        pen.text((right - bar - 10, y), "none", _SOFT, font(17), anchor="ra")


def _words(pen: ImageDraw, place: tuple[int, int, int], answer: Answer | None, reason: str, by_threshold: bool) -> None:
    """The column of words: label, probability as number and bar, and threshold."""
    left, top, _ = place
    if answer is None:
        pen.text((left, top), "No answer", _INK, font(40, bold=True))
        _paragraph(pen, (left, top + 64), reason or "The model abstained.", _SOFT, font(19))
    else:
        colour = _PENCIL if answer.positive else _FILM
        label = answer.label if answer.positive else denied(answer.label)
        size = next((size for size in (44, 36, 28) if pen.textlength(label, font(size, bold=True)) <= _WORDS), 22)
        label = shortened(pen, label, font(size, bold=True), _WORDS)
        pen.text((left, top - 6), label, colour, font(size, bold=True))
        pen.text((left, top + 74), f"Probability of {answer.label}", _SOFT, font(19))
        pen.text((left - 4, top + 100), wording.number(answer.probability, 2), _INK, font(76))
        _bar(pen, (left, top + 214), answer, colour, by_threshold)
        side = "at or above" if answer.positive else "below"
        told = f"{side} the threshold of {wording.number(answer.threshold, 2)}"
        if not by_threshold:
            told = "the largest of all classes" if answer.positive else "not the largest of all classes"
        pen.text((left, top + 266), told, _SOFT, font(19))


def denied(label: str) -> str:
    """What a case is called whose answer is not `label`."""
    return f"no {label.removeprefix('any ')}" if label.startswith("any ") else f"not {label}"


def _enlarged(
    canvas: PillowImage, pen: ImageDraw, place: tuple[int, int, int], image: Image, mark: Mark, slice_: int
) -> None:
    """Below the words the surest finding, where there is room for it."""
    from PIL import Image as Pillow

    left, top, tall = place
    room = tall - _BELOW_WORDS - _ABOVE_FOOT
    if room < _LEAST_ENLARGED:
        return
    pixels, (x0, y0, x1, y1) = close_up(image, mark.box, shape=(room, _WORDS), depth_index=slice_)
    top += _BELOW_WORDS
    canvas.paste(Pillow.fromarray(pixels), (left, top))
    for width, ink in ((4, DARK), (2, COLOURS[mark.kind])):
        for x, y, along, down in ((x0, y0, 1, 1), (x1, y0, -1, 1), (x0, y1, 1, -1), (x1, y1, -1, -1)):
            arm = max(6.0, min(x1 - x0, y1 - y0) / 5)
            pen.line(
                [(left + x + along * arm, top + y), (left + x, top + y), (left + x, top + y + down * arm)], ink, width
            )
    words = f"Enlarged: {mark.words}"
    size = next((size for size in (17, 16, 15) if pen.textlength(words, font(size)) <= _WORDS), 14)
    pen.text((left, top - 28), shortened(pen, words, font(size), _WORDS), _SOFT, font(size))


def _landmark_words(pen: ImageDraw, place: tuple[int, int, int], landmarks: Sequence[tuple[str, str]]) -> None:
    """The column of words of landmarks: the name of each, and where it lies."""
    left, top, tall = place
    pen.text((left, top - 6), "Located", _FILM, font(44, bold=True))
    room = max(1, (tall - 150) // 62)
    left_out = len(landmarks) - room
    shown = [*landmarks[: room - 1], ("", f"and {left_out + 1} more")] if left_out > 0 else landmarks
    for number, (name, where) in enumerate(shown):
        pen.text(
            (left, top + 66 + 62 * number),
            shortened(pen, name, font(22, bold=True), _WORDS),
            _INK,
            font(22, bold=True),
        )
        pen.text((left, top + 94 + 62 * number), shortened(pen, where, font(17), _WORDS), _SOFT, font(17))


def _scan_words(pen: ImageDraw, place: tuple[int, int, int], answer: Answer) -> None:
    """The column of words of a scan: the most suspicious square's probability, and that nobody validated it."""
    left, top, _ = place
    pen.text((left, top), "Scanned", _INK, font(40, bold=True))
    pen.text((left, top + 74), f"Most suspicious square: {answer.label}", _SOFT, font(19))
    pen.text((left - 4, top + 100), wording.number(answer.probability, 2), _INK, font(76))
    _bar(pen, (left, top + 214), answer, _SOFT, mark=False)
    told = "Nobody said where to look. Neither the value nor a threshold was validated for whole images."
    _paragraph(pen, (left, top + 260), told, _SOFT, font(19))


def _foot(pen: ImageDraw, place: tuple[int, int, int], subtitle: str) -> None:
    """Which model, and what the figure is for."""
    left, top, tall = place
    foot = top + tall
    if subtitle:
        pen.text((left, foot - 56), shortened(pen, subtitle, font(15), _WORDS), _SOFT, font(15))
    pen.text((left, foot - 28), "Research use only, not for clinical decisions", _SOFT, font(15))


def _bar(pen: ImageDraw, place: tuple[int, int], answer: Answer, colour: tuple[int, int, int], mark: bool) -> None:
    """The probability on a track from 0 to 1, with the threshold as a mark across it."""
    left, top = place
    pen.rectangle((left, top, left + _WORDS, top + 16), fill=_LINE)
    pen.rectangle((left, top, left + round(_WORDS * min(max(answer.probability, 0), 1)), top + 16), fill=colour)
    if mark:
        at = left + round(_WORDS * min(max(answer.threshold, 0), 1))
        pen.rectangle((at - 1, top - 10, at + 1, top + 26), fill=_INK)


def _paragraph(
    pen: ImageDraw, place: tuple[int, int], text: str, colour: tuple[int, int, int], font: FreeTypeFont
) -> None:
    """The text in lines that fit the column, at most six."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font) <= _WORDS:
            lines[-1] = longer
        else:
            lines.append(shortened(pen, word, font, _WORDS))
    for number, line in enumerate(lines[:6]):
        pen.text((place[0], place[1] + number * 30), line, colour, font)
