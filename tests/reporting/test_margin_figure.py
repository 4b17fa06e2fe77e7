"""The picture of a criterion."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from hounsfield import geometry
from hounsfield.findings.worksheet import CriterionAnswer, criteria_from_text, fill_worksheet
from hounsfield.image import Image
from hounsfield.reporting.drawing import Canvas
from hounsfield.reporting.margin_figure import margin_figure, write_margin_figure
from hounsfield.reporting.margin_panels import LESION, SIDE, STRUCTURE, TOUCH, Panel, margin_panels

AFFINE = geometry.affine_from_axes(
    origin_mm=np.array([-20.0, -20, 5]), spacing_mm=(3, 1, 1), directions=np.eye(3)[:, ::-1]
)


def box(*sides: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((16, 50, 60), dtype=bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


LESION_MASK, BESIDE = box((4, 9), (15, 30), (15, 28)), box((3, 9), (12, 30), (40, 46))
ABOVE = box((12, 14), (15, 30), (34, 46))
VOXELS = np.random.default_rng(0).normal(40, 20, (1, 16, 50, 60)).astype(np.float32)
IMAGE = Image(VOXELS, AFFINE, spacing_kind="patient")


def panels(criterion: str, structure: np.ndarray | None = BESIDE) -> tuple[CriterionAnswer, list[Panel]]:
    criteria = criteria_from_text('[[criterion]]\nname = "asked"\n' + criterion.replace("; ", "\n"))
    structures = {} if structure is None else {"bone": structure}
    answer = fill_worksheet(criteria, LESION_MASK, structures, AFFINE).answers[0]
    return answer, margin_panels(IMAGE, LESION_MASK, structure, answer)


def holds(panel: Panel, colour: tuple[int, int, int]) -> bool:
    """Not counting the legend."""
    return bool((panel.pixels[100:, 120:] == colour).all(axis=2).any())


def test_in_one_slice_one_panel_shows_the_distance() -> None:
    answer, shown = panels('measure = "distance"; structure = "bone"; least_mm = 5')
    assert answer.value == pytest.approx(12, abs=0.01) and len(shown) == 1
    assert holds(shown[0], LESION) and holds(shown[0], STRUCTURE)
    assert shown[0].pixels.shape == (SIDE, SIDE, 3) and shown[0].caption.startswith("Slice ")


def test_in_two_slices_a_second_panel_shows_the_plane_through_both_points() -> None:
    _, shown = panels('measure = "distance"; structure = "bone"; least_mm = 5', ABOVE)
    assert [panel.caption.split(";")[0][:5] for panel in shown] == ["Slice", "Plane"]
    assert holds(shown[1], LESION) and holds(shown[1], STRUCTURE)
    assert margin_figure(_, shown).shape[1] == 2 * SIDE + 16 + 64


@pytest.mark.parametrize(
    ("criterion", "colours"),
    [
        ('measure = "long_axis"; most_mm = 50', [LESION]),
        ('measure = "volume"; most_ml = 50', [LESION]),
        ('measure = "remaining_volume"; structure = "bone"; least_percent = 50; margin_mm = 14', [LESION, STRUCTURE]),
    ],
)
def test_every_measure_has_its_picture(criterion: str, colours: list[tuple[int, int, int]]) -> None:
    _, shown = panels(criterion)
    assert len(shown) == 1 and all(holds(shown[0], colour) for colour in colours)


def test_what_touches_is_marked() -> None:
    criterion = 'measure = "contact_arc"; structure = "bone"; most_degrees = 180'
    _, shown = panels(criterion, box((3, 9), (12, 30), (28, 36)))
    assert holds(shown[0], TOUCH)
    _, shown = panels(criterion)
    assert not holds(shown[0], TOUCH)


def test_the_border_of_the_image_is_no_outline() -> None:
    canvas = Canvas(np.zeros((40, 40, 3), dtype=np.uint8), np.ones((40, 40), dtype=bool))
    canvas.outline(np.ones((40, 40), dtype=bool), LESION)
    assert not canvas.pixels().any()
    half = np.zeros((40, 40), dtype=bool)
    half[:, :20] = True
    canvas.outline(half, LESION)
    assert canvas.pixels()[20, 18:21].any() and not canvas.pixels()[20, :15].any()


def test_the_figure_is_written_whole_and_long_words_are_kept_inside(tmp_path: Path) -> None:
    answer, shown = panels('measure = "contact"; structure = "bone"; most_mm2 = 0')
    target = tmp_path / "out" / "criterion.png"
    write_margin_figure(target, answer, shown)
    with Pillow.open(target) as written:
        assert (written.format, written.width) == ("PNG", SIDE + 64)
    assert [path.name for path in target.parent.iterdir()] == ["criterion.png"]
