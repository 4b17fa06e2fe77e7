"""A figure of an image with its outlines: its planes, of a volume what was outlined seen from outside, and beside them
each label in its colour with its size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings import Reading
from hounsfield.image import Image, Mask
from hounsfield.reporting.fonts import font
from hounsfield.reporting.planes import COLOURS, joined, middle_of, outlined_pixels
from hounsfield.reporting.reading_report import outline_lines

_PAPER, _INK, _SOFT = (255, 255, 255), (22, 32, 40), (96, 112, 124)
_MARGIN, _HEAD, _WORDS = 24, 84, 330
_FLAT, _PLANE = 760, 460
_MOST = 24
"""Labels that are named; more would not fit beside the image."""


def outline_figure(
    image: Image, outline: Mask, reading: Reading, *, title: str, subtitle: str, views: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """(height, width, 3): planes of the image with outlines, and the labels with their sizes.

    Args:
        image: As stored.
        outline: On its grid.
        reading: Whose findings are the labels.
        title: Name of the case.
        subtitle: For instance the model's name and hash.
        views: (height, width, 3), below the planes: the outline from outside, as `outline_views` gives it.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw

    centre = middle_of(outline)
    pixels = outlined_pixels(image, outline, centre=centre, max_side=_FLAT if image.planar else _PLANE)
    pixels = pixels if views is None else joined([pixels, views], axis=0)
    lines = outline_lines(reading)
    height = max(pixels.shape[0], 60 + 30 * min(len(lines), _MOST))
    canvas = Pillow.new("RGB", (3 * _MARGIN + pixels.shape[1] + _WORDS, _HEAD + height + 2 * _MARGIN), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((_MARGIN, 22), title, _INK, font(26, bold=True))
    pen.text((_MARGIN, 56), subtitle, _SOFT, font(15))
    canvas.paste(Pillow.fromarray(pixels), (_MARGIN, _HEAD))
    left, top = 2 * _MARGIN + pixels.shape[1], _HEAD
    if not lines:
        pen.text((left, top), "nothing outlined", _SOFT, font(20))
    for name, size in lines[:_MOST]:
        if not outline.instances:  # of which each has a colour of its own
            colour = COLOURS[outline.names.index(name) % len(COLOURS)]
            pen.rectangle((left, top + 4, left + 16, top + 20), fill=colour)
        pen.text((left + 26, top), f"{name}   {size}", _INK, font(18))
        top += 30
    if len(lines) > _MOST:
        pen.text((left + 26, top), f"and {len(lines) - _MOST} more", _SOFT, font(18))
    return np.asarray(canvas)
