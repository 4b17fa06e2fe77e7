from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from hounsfield import geometry
from hounsfield.errors import FormatError
from hounsfield.formats import header, read

VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def save(path: Path, values: Any = VALUES, *, compress: bool = False, vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(values, isVector=vector)
    if image.GetDimension() == 3:
        image.SetSpacing((0.7, 0.5, 3.0))
        image.SetOrigin((1.0, 2.0, 3.0))
        image.SetDirection((0, 1, 0, 0, 0, -1, -1, 0, 0))
    sitk.WriteImage(image, str(path), compress)
    return path


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.mhd"])
@pytest.mark.parametrize("compress", [False, True])
def test_voxels_and_world_are_simpleitks(tmp_path: Path, name: str, compress: bool) -> None:
    path = save(tmp_path / name, compress=compress)
    got, theirs = read(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(got.voxels[0], VALUES)
    for index in ((0, 0, 0), (2, 3, 4), (1, 0, 4)):
        lps = geometry.world_from_index(got.affine, np.array([index], float))[0]
        np.testing.assert_allclose(lps, theirs.TransformIndexToPhysicalPoint(index[::-1]), atol=1e-9)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_a_wrong_suffix_does_not_matter(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name).rename(tmp_path / "image.png")
    np.testing.assert_array_equal(read(path).voxels[0], VALUES)


def test_colour_components_become_channels(tmp_path: Path) -> None:
    values = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    got = read(save(tmp_path / "a.nrrd", values, vector=True))
    np.testing.assert_array_equal(got.voxels, np.moveaxis(values, -1, 0))


def test_flat_images_are_planar(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.mha", VALUES[0])).shape == (1, 4, 5)
    colour = np.zeros((4, 5, 3), np.uint8)
    assert read(save(tmp_path / "b.mha", colour, vector=True)).voxels.shape == (3, 1, 4, 5)


def test_four_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has 4 dimensions"):
        read(save(tmp_path / "a.nrrd", np.zeros((2, 2, 2, 2), np.uint8)))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="not numbers"):
        read(save(tmp_path / "a.mha", np.full((2, 2, 2), np.nan, np.float32)))


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
@pytest.mark.parametrize("compress", [False, True])
def test_a_file_cut_off_is_refused(tmp_path: Path, name: str, compress: bool) -> None:
    values = np.random.default_rng(0).integers(0, 999, (9, 9, 9)).astype(np.int16)
    path = save(tmp_path / name, values, compress=compress)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FormatError):
        read(path)


def test_header_agrees_with_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nrrd")
    told, got = header(path), read(path)
    assert (told.shape, told.dtype, told.format) == (got.shape, got.voxels.dtype, "nrrd")
    np.testing.assert_array_equal(told.affine, got.affine)
