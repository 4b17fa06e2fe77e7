"""Lines and words on pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from hounsfield.reporting.drawing import Canvas, legend_strip
from hounsfield.reporting.fonts import font, shortened


class Watched(Canvas):
    """Keeps where lines go, and what is written."""

    def __init__(self, side: int) -> None:
        super().__init__(np.zeros((side, side, 3), dtype=np.uint8), np.ones((side, side), dtype=bool))
        self.lengths: list[float] = []
        self.written: list[str] = []

    def _line(self, start: np.ndarray, stop: np.ndarray, colour: object, thickness: int) -> None:
        self.lengths.append(float(np.linalg.norm(stop - start)))

    def _write(self, words: str, *_: object, **__: object) -> None:
        self.written.append(words)


@pytest.mark.parametrize(
    ("pixel_mm", "words"),
    [(1.0, "50 mm"), (0.4, "20 mm"), (0.01, "0.5 mm"), (0.0016, "0.1 mm"), (1e-4, "0.005 mm"), (4.0, "200 mm")],
)
def test_a_scale_is_as_long_as_it_says_and_fits(pixel_mm: float, words: str) -> None:
    canvas = Watched(300)
    canvas.scale(pixel_mm)
    assert canvas.written == [words]
    assert canvas.lengths == pytest.approx([float(words.removesuffix(" mm")) / pixel_mm] * 2)
    assert max(canvas.lengths) <= 0.3 * 300


def test_a_name_that_is_longer_than_a_legend_is_cut_in_its_middle() -> None:
    colour, name = (250, 30, 30), "a structure with a very long name " * 9 + "12.3 mm"
    legend = legend_strip([(colour, name)], 400)
    assert legend.shape == (36, 400, 3)
    drawn = np.flatnonzero((legend == colour).all(axis=2).any(axis=0))
    assert 350 < drawn.max() < 392
    pen, letters = ImageDraw.Draw(Pillow.new("RGB", (1, 1))), font(16)
    told = shortened(pen, name, letters, 384)
    assert told.startswith("a structure") and "…" in told and told.endswith("12.3 mm")
    assert 350 < pen.textlength(told, letters) <= 384 and shortened(pen, "short", letters, 384) == "short"
