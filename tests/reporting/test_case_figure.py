"""The figure of one case."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from report_samples import film, heat

from hounsfield.errors import StorageError
from hounsfield.findings import Answer, Box
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.reporting.case_figure import case_figure, denied, write_case_figure
from hounsfield.reporting.marks import COLOURS, Mark

YES, NO = Answer("malignant", 0.9, 0.4, True), Answer("malignant", 0.1, 0.4, False)
ORANGE, BLUE = (179, 71, 0), (29, 92, 136)


def holds(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((pixels[:, 1150:] == colour).all(axis=2).any())


def test_a_positive_answer_is_orange_and_a_negative_one_blue() -> None:
    yes, no = case_figure(film(1), heat(1), YES), case_figure(film(1), heat(1), NO)
    assert holds(yes, ORANGE) and not holds(yes, BLUE)
    assert holds(no, BLUE) and not holds(no, ORANGE)


@pytest.mark.parametrize(
    ("label", "words"), [("malignant", "not malignant"), ("any tumour", "no tumour"), ("anything", "not anything")]
)
def test_an_answer_is_denied_in_words(label: str, words: str) -> None:
    assert denied(label) == words


def test_the_bar_is_as_long_as_the_probability() -> None:
    lengths = []
    for probability in (0.2, 0.8):
        pixels = case_figure(film(1), None, Answer("malignant", probability, 0.1, True))
        rows = (pixels[:, 1152:] == ORANGE).all(axis=2)
        lengths.append(int(rows[rows[:, 0]].sum(axis=1).max()))  # the bar begins at the column's left edge
    assert lengths[1] / lengths[0] == pytest.approx(4, abs=0.1)


def test_only_the_second_film_carries_heat() -> None:
    pixels = case_figure(film(1), heat(1), YES).astype(int)
    colourful = np.ptp(pixels, axis=2).max(axis=0) > 60
    assert not colourful[60:540].any() and colourful[600:1080].any()


def test_findings_are_drawn_over_the_heat_of_networks_that_look_for_places() -> None:
    marks = [Mark(Box(20, 20, 60, 60), "found", "mass 0.90")]
    pixels = case_figure(film(1), heat(1), YES, marks=marks, findings=1)
    warm = case_figure(film(1), heat(1), YES, findings=1)
    second, colour = pixels[92:-64, 580:1084], COLOURS["found"]
    assert (second == colour).all(axis=2).any()
    assert not (warm[92:-64, 580:1084] == colour).all(axis=2).any()
    assert (np.ptp(second.astype(int), axis=2) > 60).any()


def test_the_first_finding_is_enlarged_below_the_words_where_there_is_room() -> None:
    tall = Image(np.random.default_rng(0).integers(0, 255, (1, 1, 900, 600)).astype(np.uint8), planar_affine())
    marks = [Mark(Box(100, 200, 160, 260), "found", "mass 0.90")]
    pixels = case_figure(tall, None, YES, marks=marks, findings=1)
    column = pixels[:, 1152:]
    assert (column == COLOURS["found"]).all(axis=2).any()
    low = Image(tall.voxels[:, :, :200], planar_affine())
    column = case_figure(low, None, YES, marks=marks[:1], findings=1)[:, 1152:]
    assert not (column == COLOURS["found"]).all(axis=2).any()


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 28, 28), (1, 7, 40, 300), (3, 1, 900, 200)])
def test_every_shape_of_image_gives_a_figure_of_the_same_width(shape: tuple[int, ...]) -> None:
    image = Image(voxels=np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8), affine=planar_affine())
    pixels = case_figure(image, np.ones(shape[1:]), None, title="x" * 500, reason="why " * 200, subtitle="y" * 300)
    assert pixels.shape[1:] == (1640, 3) and pixels.shape[0] < 1000


def test_the_figure_is_written_whole_as_png(tmp_path: Path) -> None:
    target = tmp_path / "out" / "case.png"
    write_case_figure(target, film(1), heat(1), YES, title="P_0001")
    with Pillow.open(target) as written:
        assert written.format == "PNG"
    assert [path.name for path in target.parent.iterdir()] == ["case.png"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "case.png").mkdir()
    with pytest.raises(StorageError, match="could not write"):
        write_case_figure(tmp_path / "case.png", film(1), None, NO)
