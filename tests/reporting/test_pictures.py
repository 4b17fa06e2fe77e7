"""Images as pictures in a page."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Pillow
from report_samples import film, heat

from hounsfield.findings import Box
from hounsfield.geometry import affine_from_axes, planar_affine
from hounsfield.image import Image
from hounsfield.reporting.pictures import Picture, draw_boxes, film_picture, film_pixels, heat_picture, tallest


def decoded(picture: Picture) -> np.ndarray:
    head, data = picture.uri.split(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(data))))


def grey(height: int, width: int, **fields: object) -> Image:
    voxels = np.arange(height * width, dtype=np.uint32).reshape(1, 1, height, width) % 251
    return Image(voxels=voxels.astype(np.uint8), affine=planar_affine(), **fields)  # type: ignore[arg-type]  # test helper


def test_a_large_film_is_made_small_and_keeps_its_shape() -> None:
    picture = film_picture(grey(2000, 1000), alt="a film", max_side=400)
    assert (picture.height, picture.width) == (400, 200)
    assert decoded(picture).shape[:2] == (400, 200)


def test_a_tiny_image_is_enlarged_in_whole_steps_without_smoothing() -> None:
    image = grey(28, 28)
    pixels = film_pixels(image, depth_index=0)
    factor = pixels.shape[0] // 28
    assert factor > 5 and pixels.shape == (28 * factor, 28 * factor)
    assert np.array_equal(pixels[::factor, ::factor], image.voxels[0, 0])


def test_pixels_that_are_not_square_in_the_patient_are_shown_in_proportion() -> None:
    affine = affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 2.0, 1.0), directions=np.eye(3))
    image = replace(grey(200, 200), affine=affine, spacing_kind="patient")
    pixels = film_pixels(image, depth_index=0)
    assert pixels.shape == (400, 200)


def test_a_spacing_by_convention_says_nothing_about_proportions() -> None:
    affine = affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1, 2.0, 1.0), directions=np.eye(3))
    assert film_pixels(replace(grey(200, 200), affine=affine), depth_index=0).shape == (200, 200)


def test_an_image_of_one_pixel_can_be_shown() -> None:
    assert film_pixels(grey(1, 1), depth_index=0).shape[0] > 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float16, np.float64])
def test_every_number_type_can_be_shown(dtype: type) -> None:
    image = Image(voxels=np.ones((1, 3, 300, 200), dtype), affine=planar_affine())
    assert film_pixels(image, depth_index=1, max_side=150).shape == (150, 100)


def test_colour_stays_colour() -> None:
    voxels = np.zeros((3, 1, 200, 200), np.uint8)
    voxels[0] = 200
    pixels = film_pixels(Image(voxels=voxels, affine=planar_affine()), depth_index=0)
    assert pixels.shape == (200, 200, 3) and pixels[0, 0].tolist() == [200, 0, 0]


def test_heat_colours_where_it_is_hot_and_nowhere_else() -> None:
    warm = np.zeros((320, 240))
    warm[100:140, 80:120] = 1
    pixels = decoded(heat_picture(film(0), warm, alt="heat")).astype(int)
    assert np.ptp(pixels[120, 100]) > 60
    assert np.ptp(pixels[300, 200]) < 12


def test_boxes_are_drawn_at_their_place_on_dark_and_on_bright_tissue() -> None:
    image = grey(400, 400)
    for level in (0, 255):
        plain = np.full((200, 200), level, np.uint8)
        drawn = draw_boxes(plain, [Box(100, 40, 300, 240)], image)
        changed = np.argwhere(drawn != plain)
        assert changed.min(axis=0).tolist() == pytest.approx([20, 50], abs=4)
        assert changed.max(axis=0).tolist() == pytest.approx([120, 150], abs=4)


def test_a_box_that_is_turned_around_or_outside_is_no_error() -> None:
    draw_boxes(np.zeros((10, 10), np.uint8), [Box(9, 9, 2, 2), Box(-50, -50, -20, -20)], grey(10, 10))


def test_a_picture_of_a_film_is_small() -> None:
    picture = heat_picture(film(3), heat(3), alt="heat")
    assert len(picture.uri) < 30_000


def test_the_frame_holds_the_tallest_picture_within_reason() -> None:
    assert tallest([]) == 0.5
    assert tallest([Picture("", 100, 120, ""), Picture("", 100, 100, "")]) == pytest.approx(1.2)
    assert tallest([Picture("", 10, 400, "")]) == 1.75
