from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield import geometry
from hounsfield.datasets import Crop, ImageRef, load
from hounsfield.datasets.load import crop_side, cut
from hounsfield.errors import DatasetError
from hounsfield.findings import Box
from hounsfield.image import Image

WriteFilm = Callable[..., Path]

FILM = np.arange(48, dtype=np.uint8).reshape(6, 8)
"""Pixel (row, column) has the value 8 * row + column."""


def _image(pixels: np.ndarray = FILM) -> Image:
    return Image(pixels[None, None], geometry.planar_affine((0.5, 0.25)))


def test_a_whole_film_is_loaded_as_stored(write_film: WriteFilm) -> None:
    image = load(ImageRef(write_film("a.png", FILM)))
    assert image.voxels.dtype == np.uint8
    np.testing.assert_array_equal(image.voxels, FILM[None, None])


def test_a_crop_is_the_square_around_its_box(write_film: WriteFilm) -> None:
    crop = Crop(Box(3, 2, 5, 3), context=1.0)  # 2 x 1 pixels: the square is 2 x 2, its middle at (4, 2.5)
    image = load(ImageRef(write_film("a.png", FILM), crop=crop))
    np.testing.assert_array_equal(image.voxels[0, 0], FILM[2:4, 3:5])


def test_context_and_margin_multiply_the_longer_side() -> None:
    crop = Crop(Box(0, 0, 10, 4), context=1.5)
    assert crop_side(crop) == 15
    assert crop_side(crop, margin=2) == 30
    assert crop_side(Crop(Box(0, 0, 0.1, 0.1), context=1)) == 1


def test_beyond_the_film_there_is_zero() -> None:
    found = cut(_image(), Crop(Box(0, 0, 2, 2), context=2.0)).voxels[0, 0]
    expected = np.zeros((4, 4), np.uint8)
    expected[1:, 1:] = FILM[:3, :3]
    np.testing.assert_array_equal(found, expected)


boxes = st.tuples(st.integers(-9, 12), st.integers(-9, 12), st.integers(1, 12), st.integers(1, 12)).map(
    lambda t: Box(t[0], t[1], t[0] + t[2], t[1] + t[3])
)


@given(boxes, st.sampled_from([0.5, 1.0, 1.5, 3.0]))
def test_every_pixel_keeps_its_place_in_the_patient(box: Box, context: float) -> None:
    image = _image(FILM + 1)
    if box.x1 <= 0 or box.y1 <= 0 or box.x0 >= 8 or box.y0 >= 6:
        return
    part = cut(image, Crop(box, context))
    assert part.shape[1] == part.shape[2]
    filled = np.argwhere(part.voxels[0])
    world = geometry.world_from_index(part.affine, filled.astype(float))
    places = np.rint(geometry.index_from_world(image.affine, world)).astype(int)
    np.testing.assert_array_equal(
        part.voxels[0][tuple(filled.T)], image.voxels[0][tuple(places.T)] if len(places) else []
    )
    middle = geometry.index_from_world(image.affine, geometry.world_from_index(part.affine, _middle(part)))[0]
    assert abs(middle[2] + 0.5 - box.center[0]) <= 0.5
    assert abs(middle[1] + 0.5 - box.center[1]) <= 0.5


def _middle(image: Image) -> np.ndarray:
    return (np.array([image.shape], dtype=float) - 1) / 2


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        (Box(8, 0, 9, 2), r"x 8 to 9, y 0 to 2 lies outside the image of 8 × 6 pixels"),
        (Box(0, -5, 2, 0), "lies outside"),
        (Box(-2, 0, 0, 2), "lies outside"),
        (Box(0, 6, 2, 9), "lies outside"),
        (Box(3, 3, 3, 5), "is empty; x1 must be above x0"),
        (Box(3, 5, 5, 3), "is empty"),
        (Box(float("nan"), 0, 1, 1), "is empty"),
        (Box(0, 0, float("inf"), 1), "is empty"),
        (Box(0, 0, 1, 1, z0=9, z1=3), "from slice 9 to 3 is empty; z1 must be above z0"),
    ],
)
def test_a_box_without_any_pixel_is_refused(write_film: WriteFilm, box: Box, sentence: str) -> None:
    path = write_film("film.png", FILM)
    with pytest.raises(DatasetError, match=rf"film\.png: the box .*{sentence}"):
        load(ImageRef(path, crop=Crop(box)))


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_must_be_above_zero(margin: float) -> None:
    with pytest.raises(DatasetError, match="must be above 0"):
        cut(_image(), Crop(Box(0, 0, 2, 2)), margin=margin)


def test_several_crops_of_a_film_decode_it_once(write_film: WriteFilm, monkeypatch: pytest.MonkeyPatch) -> None:
    from hounsfield import formats

    read, calls = formats.read, []

    def counting(path: Path, **words: Any) -> Image:
        calls.append(path)
        return read(path, **words)

    monkeypatch.setattr(formats, "read", counting)
    path = write_film("often.png", FILM)
    for x in range(4):
        load(ImageRef(path, crop=Crop(Box(x, 0, x + 2, 2))))
    assert len(calls) == 1
    write_film("often.png", np.full((60, 80), 7, np.uint8))
    assert load(ImageRef(path, crop=Crop(Box(40, 40, 42, 42)))).voxels.max() == 7


def test_a_row_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(DatasetError, match="'x' has 2 rows, there is no row 2"):
        load(ImageRef(tmp_path / "a.npz", array="x", index=2))
    with pytest.raises(DatasetError, match="cannot read"):
        load(ImageRef(tmp_path / "b.npz", array="x", index=0))
    with pytest.raises(DatasetError, match=r"cannot read .*b\.png"):
        load(ImageRef(tmp_path / "b.png", crop=Crop(Box(0, 0, 1, 1))))


def test_shared_rows_cannot_be_written_to(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="read-only"):
        load(ImageRef(tmp_path / "a.npz", array="x", index=0)).voxels[...] = 1


def test_a_box_far_outside_is_a_typing_error_and_takes_no_memory() -> None:
    film = Image(np.zeros((1, 1, 80, 100), np.uint8), geometry.planar_affine())
    with pytest.raises(DatasetError, match="reaches far out of the image of 100 × 80 pixels .*mend the number"):
        cut(film, Crop(Box(10, 10, 3_000_000, 20)))
