"""`Canvas`: lines, outlines and words over an image, light on dark so that they are seen on any tissue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray
from hounsfield.reporting.colours import DARK, Colour
from hounsfield.reporting.fonts import font, shortened

Place: TypeAlias = tuple[float, float]
"""(column, row)."""

_PLATE = 16
_WORDS = 16
_SHIFT = 4
"""Bits of fraction in OpenCV's coordinates."""


class Canvas:
    """A picture that is drawn on."""

    def __init__(self, pixels: NDArray[np.uint8], known: BoolArray) -> None:
        """Begin with an image, (height, width, 3), which is copied.

        Args:
            pixels: The image.
            known: (height, width), where there is an image: its border is no outline of anything.
        """
        import cv2

        self._pixels = np.ascontiguousarray(pixels).copy()
        framed = np.pad(known.astype(np.uint8), 1)
        self._known: BoolArray = cv2.erode(framed, np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0

    def pixels(self) -> NDArray[np.uint8]:
        """What was drawn, (height, width, 3)."""
        return self._pixels

    def outline(self, mask: BoolArray, colour: Colour, *, dashed: bool = False) -> None:
        """The border of what is inside a mask, (height, width); not along the border of the image."""
        import cv2

        found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for contour in found:
            points = contour[:, 0]
            inner = self._known[points[:, 1], points[:, 0]]
            steps = np.stack([points, np.roll(points, -1, axis=0)], axis=1)[inner & np.roll(inner, -1)]
            if dashed:
                steps = steps[np.arange(len(steps)) % 14 < 8]
            for ink, thickness in ((DARK, 4), (colour, 2)):
                cv2.polylines(self._pixels, list(steps.astype(np.int32)), False, ink, thickness, cv2.LINE_AA)

    def distance(self, start: Place, stop: Place, colour: Colour, words: str, *, dashed: bool) -> None:
        """A line with a mark at each end, and words beside its middle; a ring where it has no length."""
        one, other = np.array(start), np.array(stop)
        length = float(np.linalg.norm(other - one))
        if length < 4:
            for ink, thickness in ((DARK, 5), (colour, 2)):
                self._ring(start, 9, ink, thickness)
        else:
            along = (other - one) / length
            across = 7 * np.array([-along[1], along[0]])
            pieces = [(one, other)] if not dashed else self._dashes(one, along, length)
            pieces += [(end - across, end + across) for end in (one, other)]
            for ink, thickness in ((DARK, 5), (colour, 2)):
                for first, last in pieces:
                    self._line(first, last, ink, thickness)
        if words:
            self._beside((one + other) / 2, (other - one), words, colour)

    def dot(self, place: Place, colour: Colour) -> None:
        """A small disc."""
        for ink, radius in ((DARK, 4), (colour, 3)):
            self._ring(place, radius, ink, -1)

    def sides(self, letters: tuple[str, str, str, str]) -> None:
        """The patient's directions at the left, right, upper and lower side."""
        height, width = self._pixels.shape[:2]
        places = ((14, height / 2), (width - 14, height / 2), (width / 2, 14), (width / 2, height - 14))
        for letter, (x, y) in zip(letters, places, strict=True):
            if letter:
                self._write(letter, (x, y), LIGHT, anchor="mm", plate=False)

    def compass(self, directions: Sequence[tuple[Place, str]]) -> None:
        """Where directions of the patient point to, at the lower left: each as (columns, rows) of a unit vector,
        with its letter."""
        corner = np.array((44.0, self._pixels.shape[0] - 76.0))
        for place, letter in directions:
            tip = corner + 24 * np.array(place)
            for ink, thickness in ((DARK, 5), (LIGHT, 2)):
                self._line(corner, tip, ink, thickness)
            at = corner + 36 * np.array(place)
            self._write(letter, (float(at[0]), float(at[1])), LIGHT, anchor="mm", plate=False)

    def scale(self, pixel_mm: float) -> None:
        """A bar of a round length at the lower right, the longest that takes no more than 3/10 of the picture."""
        height, width = self._pixels.shape[:2]
        most = 0.3 * width * pixel_mm
        tens = 10.0 ** math.floor(math.log10(most))
        length = max(times * tens for times in (1, 2, 5) if times * tens <= most)
        right, y = width - 16.0, height - 18.0
        left = right - length / pixel_mm
        for ink, thickness in ((DARK, 5), (LIGHT, 2)):
            self._line(np.array((left, y)), np.array((right, y)), ink, thickness)
        self._write(f"{length:g} mm", ((left + right) / 2, y - 14), LIGHT, anchor="mm")

    def caption(self, words: str) -> None:
        """What the picture is, at the lower left; may be empty."""
        if words:
            self._write(words, (8, self._pixels.shape[0] - 26), LIGHT, anchor="la")

    def legend(self, entries: Sequence[tuple[Colour, str]]) -> None:
        """What the colours are, at the upper left."""
        for number, (colour, words) in enumerate(entries):
            self._write(words, (8, 8 + number * (_WORDS + 8)), colour, anchor="la")

    def _beside(self, middle: NDArray[np.float64], along: NDArray[np.float64], words: str, colour: Colour) -> None:
        """Words to the side of a line where there is more room."""
        height, width = self._pixels.shape[:2]
        steep = abs(along[1]) > abs(along[0])
        x, y = middle
        if steep:
            left = x > width / 2
            self._write(words, (x - 14 if left else x + 14, y), colour, anchor="rm" if left else "lm")
        else:
            self._write(words, (x, y + 20 if y < height / 2 else y - 20), colour, anchor="mm")

    def _write(self, words: str, place: Place, colour: Colour, *, anchor: str, plate: bool = True) -> None:
        from PIL import Image as Pillow
        from PIL import ImageDraw

        picture = Pillow.fromarray(self._pixels)
        pen = ImageDraw.Draw(picture)
        letters = font(_WORDS, bold=True)
        left, top, right, bottom = pen.textbbox(place, words, font=letters, anchor=anchor)
        height, width = self._pixels.shape[:2]
        x = place[0] + max(0.0, 6 - left) - max(0.0, right - width + 6)
        y = place[1] + max(0.0, 6 - top) - max(0.0, bottom - height + 6)
        if plate:
            left, top, right, bottom = pen.textbbox((x, y), words, font=letters, anchor=anchor)
            pen.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill=DARK)
        pen.text((x, y), words, colour, letters, anchor=anchor, stroke_width=0 if plate else 2, stroke_fill=DARK)
        self._pixels = np.array(picture)

    def _line(self, start: NDArray[np.float64], stop: NDArray[np.float64], colour: Colour, thickness: int) -> None:
        import cv2

        ends = [tuple(int(round(float(x) * 2**_SHIFT)) for x in end) for end in (start, stop)]
        cv2.line(self._pixels, ends[0], ends[1], colour, thickness, cv2.LINE_AA, _SHIFT)

    def _ring(self, place: Place, radius: int, colour: Colour, thickness: int) -> None:
        import cv2

        centre = tuple(int(round(x * 2**_SHIFT)) for x in place)
        cv2.circle(self._pixels, centre, radius * 2**_SHIFT, colour, thickness, cv2.LINE_AA, _SHIFT)

    @staticmethod
    def _dashes(
        start: NDArray[np.float64], along: NDArray[np.float64], length: float
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return [(start + along * at, start + along * min(at + 6, length)) for at in np.arange(0.0, length, 11.0)]


LIGHT: Colour = (225, 232, 238)


def legend_strip(entries: Sequence[tuple[Colour, str]], width: int) -> NDArray[np.uint8]:
    """(height, width, 3): what colours are, side by side, in as many lines as that takes; words that are longer than a
    line are cut in their middle."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    letters, line = font(_WORDS, bold=True), _WORDS + 12
    pen = ImageDraw.Draw(Pillow.new("RGB", (1, 1)))
    places, left, top = [], 8.0, 8
    for colour, told in entries:
        words = shortened(pen, told, letters, width - 16)
        needed = pen.textlength(words, letters) + 24
        if left > 8 and left + needed > width:
            left, top = 8.0, top + line
        places.append((left, top, colour, words))
        left += needed
    picture = Pillow.new("RGB", (width, top + line), DARK)
    pen = ImageDraw.Draw(picture)
    for left, top, colour, words in places:
        pen.text((left, top), words, colour, letters)
    return np.asarray(picture)
