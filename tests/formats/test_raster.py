from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from hounsfield.errors import FormatError
from hounsfield.formats import header, read

RNG = np.random.default_rng(5)
GREY8 = RNG.integers(0, 256, (6, 7)).astype(np.uint8)
GREY16 = RNG.integers(0, 65536, (6, 7)).astype(np.uint16)
COLOUR8 = RNG.integers(0, 256, (6, 7, 3)).astype(np.uint8)


def agrees(path: Path) -> NDArray[Any]:
    """The voxels, after checking the header against them."""
    got, told = read(path), header(path)
    assert (told.shape, told.channels, told.dtype) == (got.shape, got.channels, got.voxels.dtype)
    assert (got.spacing_kind, got.source.format) == ("none", told.format)
    return got.voxels


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".pgm"])
def test_eight_bit_grey_comes_as_stored(tmp_path: Path, suffix: str) -> None:
    Pillow.fromarray(GREY8).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(agrees(tmp_path / f"a{suffix}"), GREY8[None, None])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bit_grey_comes_as_stored(tmp_path: Path, suffix: str) -> None:
    cv2.imwrite(str(tmp_path / f"a{suffix}"), GREY16)
    got = agrees(tmp_path / f"a{suffix}")
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got[0, 0], GREY16)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm"])
def test_colour_comes_red_first(tmp_path: Path, suffix: str) -> None:
    Pillow.fromarray(COLOUR8).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(agrees(tmp_path / f"a{suffix}")[:, 0], np.moveaxis(COLOUR8, -1, 0))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_colour_keeps_its_bits(tmp_path: Path, suffix: str) -> None:
    colour = RNG.integers(0, 65536, (6, 7, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), colour[..., ::-1])
    np.testing.assert_array_equal(agrees(tmp_path / f"a{suffix}")[:, 0], np.moveaxis(colour, -1, 0))


def test_jpeg_grey_and_colour_are_near_what_was_saved(tmp_path: Path) -> None:
    smooth = np.tile(np.linspace(0, 255, 32), (32, 1)).astype(np.uint8)
    Pillow.fromarray(smooth).save(tmp_path / "grey.jpg", quality=95)
    Pillow.fromarray(np.dstack([smooth, 255 - smooth, smooth // 2])).save(tmp_path / "colour.jpg", quality=95)
    assert np.abs(agrees(tmp_path / "grey.jpg")[0, 0].astype(int) - smooth).max() <= 6
    assert agrees(tmp_path / "colour.jpg")[0, 0, 0].astype(int)[-1] > 235


def test_an_exif_rotation_does_not_turn_the_pixels(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(np.zeros((8, 24), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert agrees(tmp_path / "a.jpg").shape == (1, 1, 8, 24)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    bits = GREY8 > 100
    for suffix in (".png", ".tif"):
        Pillow.fromarray(bits).save(tmp_path / f"a{suffix}")
        np.testing.assert_array_equal(agrees(tmp_path / f"a{suffix}")[0, 0], bits * np.uint8(255))


def test_palettes_are_looked_up_and_grey_ones_stay_grey(tmp_path: Path) -> None:
    index = Pillow.fromarray((GREY8 % 3).astype(np.uint8), mode="P")
    index.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    index.save(tmp_path / "a.png")
    np.testing.assert_array_equal(
        agrees(tmp_path / "a.png")[:, 0], np.moveaxis(np.asarray(index.convert("RGB")), -1, 0)
    )
    index.putpalette([10, 10, 10, 20, 20, 20, 30, 30, 30])
    index.save(tmp_path / "b.png")
    np.testing.assert_array_equal(agrees(tmp_path / "b.png")[0, 0], GREY8 % 3 * 10 + 10)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_dropped(tmp_path: Path, mode: str) -> None:
    Pillow.fromarray(COLOUR8).convert("L" if mode == "LA" else "RGB").convert(mode).save(tmp_path / "a.png")
    plain = np.asarray(Pillow.fromarray(COLOUR8).convert("L" if mode == "LA" else "RGB"))
    expected = plain[None] if plain.ndim == 2 else np.moveaxis(plain, -1, 0)
    np.testing.assert_array_equal(agrees(tmp_path / "a.png")[:, 0], expected)


def test_sixteen_bit_grey_beside_alpha_keeps_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(np.dstack([GREY16, np.full_like(GREY16, 9)])))
    np.testing.assert_array_equal(agrees(path)[0, 0], GREY16)


def test_the_pages_of_a_tiff_are_its_slices(tmp_path: Path) -> None:
    pages = RNG.integers(0, 65536, (5, 6, 7)).astype(np.uint16)
    cv2.imwritemulti(str(tmp_path / "a.tif"), list(pages))
    np.testing.assert_array_equal(agrees(tmp_path / "a.tif")[0], pages)


def test_pages_of_several_sizes_are_refused(tmp_path: Path) -> None:
    cv2.imwritemulti(str(tmp_path / "a.tif"), [GREY8, GREY8[:3]])
    with pytest.raises(FormatError, match="pages are of several sizes"):
        read(tmp_path / "a.tif")


def test_floating_point_tiffs_keep_their_values(tmp_path: Path) -> None:
    values = RNG.normal(size=(6, 7)).astype(np.float32)
    Pillow.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(agrees(tmp_path / "a.tif")[0, 0], values)
    values[2, 3] = np.nan
    Pillow.fromarray(values).save(tmp_path / "b.tif")
    with pytest.raises(FormatError, match="1 of 42 voxels are not numbers.*row 2, column 3"):
        read(tmp_path / "b.tif")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_a_picture_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Pillow.fromarray(RNG.integers(0, 256, (80, 90)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FormatError, match=f"a{suffix}: .*(cut off|damaged)"):
        read(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_nothing_but_a_signature_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Pillow.fromarray(GREY8).save(path)
    path.write_bytes(path.read_bytes()[:9])
    with pytest.raises(FormatError, match="header cannot be read"):
        read(path)


@pytest.mark.parametrize("values", [GREY8, GREY16])
def test_a_tiff_whose_zero_is_white_is_turned_over(tmp_path: Path, values: NDArray[Any]) -> None:
    path = tmp_path / "a.tif"
    Pillow.fromarray(values).save(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x06\x01\x03\x00")  # the photometric interpretation
    data[at + 8 : at + 10] = b"\0\0"
    path.write_bytes(data)
    top = np.iinfo(values.dtype).max
    np.testing.assert_array_equal(agrees(path)[0, 0], top - values)
