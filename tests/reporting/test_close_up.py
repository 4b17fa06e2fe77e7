"""A finding enlarged: its own place, the right way round and in proportion."""

import numpy as np
import pytest

from hounsfield.findings import Box
from hounsfield.geometry import planar_affine
from hounsfield.image import Image, SpacingKind
from hounsfield.reporting.close_up import close_up


def image(spacing_mm: tuple[float, float] = (1, 1), kind: SpacingKind = "none") -> Image:
    """400 × 300, dark, with a bright lump at rows 100 to 120 and columns 200 to 230."""
    voxels = np.full((1, 1, 400, 300), 1000, np.uint16)
    voxels[0, 0, 100:120, 200:230] = 1100
    voxels[0, 0, 0, 0] = 65535  # whose contrast would hide the lump
    return Image(voxels, planar_affine(spacing_mm), spacing_kind=kind)


LUMP = Box(200, 100, 230, 120)


@pytest.mark.parametrize(("spacing_mm", "kind"), [((1, 1), "none"), ((0.5, 0.25), "patient")])
def test_the_box_lies_on_what_it_is_around(spacing_mm: tuple[float, float], kind: SpacingKind) -> None:
    pixels, (left, top, right, bottom) = close_up(image(spacing_mm, kind), LUMP, shape=(200, 300))
    bright = np.argwhere(pixels[:, :, 0] > 128)
    assert bright.min(axis=0) == pytest.approx((top, left), abs=3)
    assert bright.max(axis=0) == pytest.approx((bottom - 1, right - 1), abs=3)
    proportion = 30 * spacing_mm[1] / (20 * spacing_mm[0]) if kind == "patient" else 1.5
    assert (right - left) / (bottom - top) == pytest.approx(proportion, rel=0.01)
    assert pixels.shape[0] == pytest.approx(200, abs=4) and pixels.shape[1] == pytest.approx(300, abs=4)


def test_the_contrast_is_that_of_the_place() -> None:
    pixels, _ = close_up(image(), LUMP, shape=(200, 300))
    assert np.ptp(pixels) > 200


@pytest.mark.parametrize("box", [Box(0, 0, 6, 4), Box(290, 390, 300, 400), Box(0, 0, 300, 400)])
def test_at_the_border_and_around_everything_what_is_there_is_shown(box: Box) -> None:
    pixels, (left, top, right, bottom) = close_up(image(), box, shape=(200, 300))
    height, width = pixels.shape[:2]
    assert pixels.dtype == np.uint8 and height <= 201 and width <= 301
    assert -1 <= left < right <= width + 1 and -1 <= top < bottom <= height + 1


def test_a_small_image_is_enlarged_as_a_whole() -> None:
    tiny = Image(np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4), planar_affine())
    pixels, place = close_up(tiny, Box(1, 1, 2, 2), shape=(90, 120))
    assert pixels.shape == (90, 120, 3)
    assert place == pytest.approx((30, 30, 60, 60))


def test_of_a_volume_the_slice_is_shown_and_of_colours_all() -> None:
    voxels = np.zeros((3, 2, 40, 40), np.uint8)
    voxels[0, 1] = 200
    pixels, _ = close_up(Image(voxels, np.diag([1.0, 1, 1, 1])), Box(10, 10, 20, 20), shape=(64, 64), depth_index=1)
    assert pixels[32, 32].tolist() == [200, 0, 0]
