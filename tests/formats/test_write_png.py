from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from hounsfield.errors import FormatError, StorageError
from hounsfield.formats import read, write_png
from hounsfield.formats import write as writing
from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Window


def image(voxels: Any, **changed: Any) -> Image:
    return Image(voxels=voxels, affine=planar_affine(), **changed)


RAMP = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)


def test_eight_bit_values_are_written_as_they_are(tmp_path: Path) -> None:
    write_png(image(RAMP), tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(Pillow.open(tmp_path / "a.png")), RAMP[0, 0])


def test_sixteen_bit_values_are_written_as_they_are_with_sixteen_bits(tmp_path: Path) -> None:
    values = np.array([[[[0, 77, 65535]]]], np.uint16)
    write_png(image(values), tmp_path / "a.png", bits=16)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED), values[0, 0])


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (16, 65535)])
def test_the_files_window_spans_the_bits(tmp_path: Path, bits: Any, top: int) -> None:
    values = np.array([[[[-1000, -160, 40, 240, 3000]]]], np.float32)
    window = Window(40, 400, function="LINEAR_EXACT")
    write_png(image(values, windows=(window,)), tmp_path / "a.png", bits=bits)
    got = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[0]
    np.testing.assert_array_equal(got, [0, 0, np.rint(top / 2), top, top])


def test_colour_is_written_red_first(tmp_path: Path) -> None:
    colour = np.zeros((3, 1, 2, 2), np.uint8)
    colour[0] = 200
    write_png(image(colour), tmp_path / "a.png")
    assert Pillow.open(tmp_path / "a.png").getpixel((0, 0)) == (200, 0, 0)


def test_a_volume_becomes_a_folder_with_one_window_for_all_slices(tmp_path: Path) -> None:
    volume = np.stack([np.full((3, 3), value, np.int16) for value in (0, 50, 100)])[None]
    write_png(image(volume), tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["slice-0000.png", "slice-0001.png", "slice-0002.png"]
    assert [read(tmp_path / "out" / name).voxels[0, 0, 0, 0] for name in names] == [0, 128, 255]


def test_two_channels_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="2 channels of uint8 do not fit into a PNG"):
        write_png(image(np.zeros((2, 1, 2, 2), np.uint8)), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_failure_in_the_middle_of_a_volume_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = np.zeros((1, 3, 2, 2), np.uint8)
    write_png(image(volume), tmp_path / "out")
    done: list[int] = []

    def full_disk(page: Any) -> bytes:
        done.append(1)
        if len(done) == 2:
            raise OSError(28, "No space left on device")
        return b"new"

    monkeypatch.setattr(writing, "_png", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        write_png(image(volume), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert all(path.read_bytes() != b"new" for path in (tmp_path / "out").iterdir())
