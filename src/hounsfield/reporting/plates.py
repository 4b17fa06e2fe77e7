"""Words on a picture, each on a dark plate of its own, that lies on the picture and on no other while there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hounsfield.reporting.colours import DARK
from hounsfield.reporting.fonts import font

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Side = Literal["above", "below"]

_SMALLEST = 8
"""Pixels of letters that had to become smaller for the words to fit across."""

_TRIED = 12
"""Places on either side of what is named."""

_Plate = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(eq=False)
class Plates:
    """The plates of one picture."""

    pen: ImageDraw
    size: int
    """Of letters, in pixels."""
    across: int
    down: int
    """Of the picture, in pixels."""
    drawn: Sequence[_Plate] = ()
    """What is named: words cover none of it where there is room elsewhere."""
    _taken: list[_Plate] = field(default_factory=list)

    def write(
        self,
        words: str,
        left: float,
        *,
        above: float,
        below: float,
        colour: tuple[int, int, int],
        first: Side = "above",
    ) -> None:
        """Put words beside something.

        Args:
            words: One line.
            left: Where they begin, if they then end on the picture.
            above: Where their plate ends, if it lies above.
            below: Where it begins, if it lies below.
            colour: Of the letters.
            first: The side that is tried first.
        """
        size, letters = self.size, font(self.size)
        width = self.pen.textlength(words, letters) + 6
        if width > self.across:
            size = max(_SMALLEST, int(size * self.across / width))
            letters = font(size)
            width = self.pen.textlength(words, letters) + 6
        x, height = min(max(0.0, left), max(0.0, self.across - width)), size + 5.0
        tops = list(self._tops(above - height, below, height, first))
        plates = [(x, top, x + width, top + height) for top in tops]
        free = [own for own in plates if not any(_overlap(own, other) for other in self._taken)]
        clear = (own for own in free if not any(_overlap(own, other) for other in self.drawn))
        plate = next(clear, [*free, *plates][0])
        self._taken.append(plate)
        self.pen.rectangle((plate[0], plate[1], plate[2] - 1, plate[3] - 1), fill=DARK)
        self.pen.text((x + 3, plate[1] + 1), words, colour, letters)

    def _tops(self, above: float, below: float, height: float, first: Side) -> Iterator[float]:
        """Where a plate may begin, the nearest first; the last of them is always on the picture."""
        for number in range(_TRIED):
            both = (above - number * (height + 1), below + number * (height + 1))
            for top in both if first == "above" else both[::-1]:
                if 0 <= top <= self.down - height:
                    yield top
        yield min(max(0.0, above), max(0.0, self.down - height))


def _overlap(one: _Plate, other: _Plate) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
