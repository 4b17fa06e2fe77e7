"""Words on a picture: on the picture, and on no other words."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hounsfield.reporting.plates import DARK, Plates, Side

GREY, TEAL = (128, 128, 128), (64, 214, 196)


def picture(across: int, down: int) -> tuple[Image.Image, Plates]:
    canvas = Image.new("RGB", (across, down), GREY)
    return canvas, Plates(ImageDraw.Draw(canvas), 12, across=across, down=down)


def written(canvas: Image.Image) -> np.ndarray:
    return (np.asarray(canvas) != GREY).any(axis=2)


@pytest.mark.parametrize(("first", "rows"), [("above", slice(0, 40)), ("below", slice(60, 100))])
def test_words_stand_on_the_side_that_is_wanted(first: Side, rows: slice) -> None:
    canvas, plates = picture(200, 100)
    plates.write("benign", 20, above=40, below=60, colour=TEAL, first=first)
    there = written(canvas)
    assert there[rows].any()
    assert there[rows].sum() == there.sum()


def test_at_the_edge_words_stand_on_the_other_side_and_end_on_the_picture() -> None:
    canvas, plates = picture(200, 100)
    plates.write("malignant 0.83", 190, above=3, below=30, colour=TEAL)
    there = written(canvas)
    assert not there[:30].any()
    assert there[30:].any()
    assert not there[:, :50].any()


def test_words_wider_than_the_picture_become_smaller_until_they_fit() -> None:
    canvas, plates = picture(90, 60)
    plates.write("malignant 0.05, 36 mm", 40, above=40, below=50, colour=TEAL)
    there = written(canvas)
    assert not there[:, -1].all()
    plate = np.argwhere((np.asarray(canvas) == DARK).all(axis=2))
    assert (plate.max(axis=0) - plate.min(axis=0))[0] < 17  # not as high as letters of 12 make it
    right = np.argwhere((np.asarray(canvas) == TEAL).all(axis=2))
    assert len(right) == 0 or right[:, 1].max() < 89


def test_words_of_things_in_one_place_cover_no_other_words() -> None:
    canvas, plates = picture(200, 200)
    heights = []
    for _ in range(6):
        before = written(canvas).sum()
        plates.write("malignant 0.83", 20, above=100, below=120, colour=TEAL)
        heights.append(written(canvas).sum() - before)
    assert len(set(heights)) == 1


def test_words_cover_nothing_that_is_named_where_there_is_room() -> None:
    canvas, plates = picture(200, 100)
    plates.drawn = [(20, 20, 80, 44)]
    plates.write("benign", 20, above=50, below=60, colour=TEAL)
    there = written(canvas)
    assert there[60:].any() and not there[:60].any()


def test_without_any_room_left_words_are_written_all_the_same() -> None:
    canvas, plates = picture(120, 20)
    for _ in range(3):
        plates.write("benign", 0, above=2, below=18, colour=TEAL)
    assert written(canvas).any()
