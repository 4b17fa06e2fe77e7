import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from hounsfield import geometry
from hounsfield.findings.region import Box
from hounsfield.image import Image
from hounsfield.preprocessing.grid import crop, flip
from hounsfield.preprocessing.resample import Resize
from hounsfield.preprocessing.transfer import move_box, move_map, move_points

numbers = st.floats(-50, 150)


def _changed(image: Image, turned: bool, keep_aspect: bool) -> Image:
    cut = crop(image, (0, 10, 20), (1, 90, 60))
    cut = flip(cut, axis=2) if turned else cut
    return Resize((32, 48), keep_aspect=keep_aspect).apply(cut)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_points_go_through_crop_flip_and_resize_and_back(points, turned, keep_aspect) -> None:
    image = Image(np.zeros((1, 1, 100, 80), dtype=np.uint8), geometry.planar_affine())
    index = np.array([(0.0, y, x) for y, x in points])

    done = _changed(image, turned, keep_aspect)

    there = move_points(index, origin=image, target=done)
    assert_allclose(move_points(there, origin=done, target=image), index, atol=1e-9)


def test_a_bright_pixel_is_found_where_the_affine_says_it_went() -> None:
    array = np.zeros((1, 1, 100, 80), dtype=np.float32)
    array[0, 0, 37, 44] = 1000
    image = Image(array, geometry.planar_affine())

    done = _changed(image, True, False)

    expected = move_points(np.array([[0.0, 37, 44]]), origin=image, target=done)[0]
    found = np.unravel_index(done.voxels[0].argmax(), done.shape)
    assert_allclose(found, np.rint(expected), atol=0.51)
    # by hand: row (37 + 0.5 - 10) x 32 / 80 - 0.5, column mirrored in 40 and scaled by 48 / 40
    assert_allclose(expected, [0, 27.5 * 0.4 - 0.5, (39 - 24 + 0.5) * 1.2 - 0.5])


@pytest.mark.parametrize("turned", [False, True])
def test_a_box_around_the_crop_becomes_the_whole_picture(turned) -> None:
    image = Image(np.zeros((1, 1, 100, 80), dtype=np.uint8), geometry.planar_affine())

    moved = move_box(Box(20, 10, 60, 90, "mass"), origin=image, target=_changed(image, turned, False))

    assert_allclose([moved.x0, moved.y0, moved.x1, moved.y1], [0, 0, 48, 32], atol=1e-9)
    assert moved.label == "mass"


def test_a_map_on_a_coarse_grid_lands_on_the_stored_image_and_is_0_outside_the_crop() -> None:
    image = Image(np.zeros((1, 1, 100, 80), dtype=np.uint8), geometry.planar_affine())
    done = _changed(image, True, False)
    heat = np.zeros((1, 8, 12), dtype=np.float32)
    heat[0, 4, 2] = 1

    stored = move_map(heat, origin=done, target=image)

    assert stored.shape == image.shape
    assert not stored[0, :, :15].any()
    peak = np.array([np.unravel_index(stored.argmax(), stored.shape)], dtype=float)
    # cell (4, 2) of 8 x 12 covers rows 50 to 60 and, mirrored, columns 50 to 53.33
    assert_allclose(peak[0, 1:], [54.5, 51.2], atol=1.5)


def test_a_map_of_a_volume_moves_like_its_points() -> None:
    ramp = np.broadcast_to(np.arange(10.0)[:, None, None], (10, 6, 8)).astype(np.float32)
    image = Image(ramp[np.newaxis], np.eye(4))
    turned = flip(crop(image, (2, 0, 0), (8, 6, 8)), axis=0)

    back = move_map(turned.voxels[0], origin=turned, target=image)

    assert_allclose(back[2:8], ramp[2:8], atol=1e-5)
    assert not back[:2].any()


def test_a_crop_beyond_the_image_is_filled_with_0_and_keeps_its_place() -> None:
    image = Image(np.ones((1, 1, 4, 4)), geometry.planar_affine())

    wide = crop(image, (0, -1, 2), (1, 3, 6))

    assert wide.voxels[0, 0].tolist() == [[0, 0, 0, 0], *[[1, 1, 0, 0]] * 3]
    assert_allclose(move_points(np.array([[0.0, 0, 0]]), origin=wide, target=image), [[0, -1, 2]])
