"""What was outlined, from three sides."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.image import Image, Mask
from hounsfield.reporting.outline_views import SIDE, outline_views
from hounsfield.reporting.planes import COLOURS, TRUTH

AFFINE = geometry.affine_from_axes(
    origin_mm=np.array([-20.0, -20, 5]), spacing_mm=(3, 1, 1), directions=np.eye(3)[:, ::-1]
)
NAMES = ("left kidney", "right kidney")


def image(affine: np.ndarray = AFFINE, shape: tuple[int, int, int] = (16, 50, 60)) -> Image:
    return Image(np.zeros((1, *shape), dtype=np.int16), affine, spacing_kind="patient")


def kidneys() -> np.ndarray:
    """The left one higher, and farther to the front."""
    labels = np.zeros((16, 50, 60), dtype=np.uint8)
    labels[8:14, 10:22, 40:50] = 1
    labels[2:8, 28:40, 10:20] = 2
    return labels


def place(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(row, column) of the middle of what has a colour, however bright."""
    pixels = picture.astype(float)
    alike = (pixels @ colour) / (np.linalg.norm(pixels, axis=2) + 1e-6) / np.linalg.norm(colour)
    return np.argwhere((alike > 0.985) & (pixels.max(axis=2) > 60)).mean(axis=0)


@pytest.mark.parametrize("turned", [False, True])
def test_each_label_is_where_it_is_in_the_patient(turned: bool) -> None:
    affine, labels = (AFFINE, kidneys())
    if turned:  # the same, stored the other way round
        affine, labels = geometry.flipped(AFFINE, axis=0, length=16), kidneys()[::-1]
    views = outline_views(image(affine), Mask(np.ascontiguousarray(labels), NAMES))
    assert views is not None and views.shape == (SIDE, 3 * SIDE + 12, 3)
    front, left = views[:, :SIDE], views[:, SIDE + 6 : 2 * SIDE + 6]
    one, other = (place(front, colour) for colour in COLOURS[:2])
    assert one[1] > other[1] + 50 and one[0] < other[0] - 50  # the patient's left on the right, the head up
    one, other = (place(left, colour) for colour in COLOURS[:2])
    assert one[1] < other[1] - 30  # his front on the left


def test_the_truth_is_a_white_line_around_what_is_there() -> None:
    truth = Mask(kidneys(), NAMES)
    nothing = Mask(np.zeros_like(truth.labels), NAMES)
    views = outline_views(image(), nothing, truth)
    assert views is not None
    white = (views[40:250, 40:250] == TRUTH).all(axis=2)
    assert 200 < white.sum() < 3000


@pytest.mark.parametrize("flat", [True, False])
def test_flat_images_and_nothing_have_no_views(flat: bool) -> None:
    labels = np.ones((1, 20, 20), dtype=np.uint8) if flat else np.zeros((4, 20, 20), dtype=np.uint8)
    assert outline_views(image(shape=labels.shape), Mask(labels, ("one",))) is None


def test_an_image_that_does_not_know_its_place_has_no_letters() -> None:
    unplaced = Image(np.zeros((1, 16, 50, 60), dtype=np.int16), geometry.planar_affine())
    views, placed = (outline_views(one, Mask(kidneys(), NAMES)) for one in (unplaced, image()))
    assert views is not None and placed is not None
    assert views[:30].max() < 60 and placed[:30].max() > 200  # "S" for the head


def test_one_voxel_is_seen_as_one_with_a_scale_that_fits() -> None:
    labels = np.zeros((16, 50, 60), dtype=np.uint8)
    labels[8, 20, 30] = 1
    views = outline_views(image(), Mask(labels, NAMES))
    assert views is not None
    pixels = views[:, :SIDE].astype(float)
    alike = (pixels @ COLOURS[0]) / (np.linalg.norm(pixels, axis=2) + 1e-6) / np.linalg.norm(COLOURS[0])
    rows, columns = np.nonzero((alike > 0.97) & (pixels.max(axis=2) > 60))
    across = SIDE / (4 * 3 * 1.2)  # pixels of a mm, in a picture of 4 voxels of 3 mm
    assert np.ptp(columns) == pytest.approx(0.5 * across, abs=3) and np.ptp(rows) == pytest.approx(1.5 * across, abs=3)
