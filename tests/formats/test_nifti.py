from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hounsfield import geometry
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats import header, read, write_nifti, write_png
from hounsfield.image import Image

VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
RAS = np.array([[-2.0, 0, 0, 10], [0, 3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])


def save(path: Path, values: Any = VALUES, affine: Any = RAS, **changed: Any) -> Path:
    made: Any = nibabel.Nifti1Image(values, affine)
    for name, value in changed.items():
        made.header[name] = value
    nibabel.save(made, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_array_and_world_agree_with_nibabel(tmp_path: Path, name: str) -> None:
    got = read(save(tmp_path / name))
    assert got.shape == (4, 3, 2)
    assert got.voxels.dtype == np.int16
    for index in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
        assert got.voxels[0][index[::-1]] == VALUES[index]
        ras = RAS @ [*index, 1]
        lps = geometry.world_from_index(got.affine, np.array([index[::-1]], float))[0]
        np.testing.assert_allclose(lps, ras[:3] * [-1, -1, 1])
    assert got.spacing_kind == "patient"


def test_simpleitk_sees_the_same_image(tmp_path: Path) -> None:
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", [0.3, -0.4, 1.0]).as_matrix() * [1.5, 2.5, 3.5]
    path = save(tmp_path / "a.nii", affine=turn)
    theirs = sitk.ReadImage(str(path))
    got = read(path)
    np.testing.assert_array_equal(got.voxels[0], sitk.GetArrayFromImage(theirs))
    matrix = np.asarray(theirs.GetDirection()).reshape(3, 3) * theirs.GetSpacing()
    np.testing.assert_allclose(got.affine[:3, :3], matrix[:, ::-1], atol=1e-5)


def test_scaled_values_come_in_float32_rounded_once(tmp_path: Path) -> None:
    values = np.linspace(-1, 3, 24).reshape(2, 3, 4)
    made: Any = nibabel.Nifti1Image(values, RAS)
    made.header.set_data_dtype(np.int16)
    nibabel.save(made, tmp_path / "a.nii.gz")
    got = read(tmp_path / "a.nii.gz").voxels
    theirs: Any = nibabel.load(tmp_path / "a.nii.gz")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got[0].T, theirs.get_fdata().astype(np.float32))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(dtype=st.sampled_from(["u1", "i2", "u2", "i4", "f4"]), packed=st.booleans(), angle=st.floats(-3, 3))
def test_what_is_written_is_read_back(tmp_path: Path, dtype: str, packed: bool, angle: float) -> None:
    turn = Rotation.from_euler("zyx", [angle, angle / 2, 0.1]).as_matrix()
    affine = geometry.affine_from_axes(
        origin_mm=np.array([1.0, -2.0, 3.0]), spacing_mm=(3.0, 0.5, 0.7), directions=turn
    )
    voxels = np.arange(60).reshape(1, 3, 4, 5).astype(dtype)
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    write_nifti(Image(voxels=voxels, affine=affine, spacing_kind="patient"), path)
    got = read(path)
    assert got.voxels.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got.voxels, voxels)
    np.testing.assert_allclose(got.affine, affine, atol=1e-5)


def test_colour_goes_through_nifti_and_back(tmp_path: Path) -> None:
    voxels = np.arange(3 * 2 * 4 * 5, dtype=np.uint8).reshape(3, 2, 4, 5)
    write_nifti(Image(voxels=voxels, affine=geometry.planar_affine()), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(read(tmp_path / "a.nii.gz").voxels, voxels)


def test_an_image_without_a_place_keeps_only_its_spacing(tmp_path: Path) -> None:
    image = Image(voxels=np.zeros((1, 1, 4, 5), np.uint8), affine=geometry.planar_affine((0.1, 0.2)))
    write_nifti(image, tmp_path / "a.nii")
    got = read(tmp_path / "a.nii")
    assert got.spacing_mm == pytest.approx((1, 0.1, 0.2))
    theirs: Any = nibabel.load(tmp_path / "a.nii")
    assert (int(theirs.header["sform_code"]), int(theirs.header["qform_code"])) == (0, 0)


def test_neither_sform_nor_qform_leaves_the_voxel_sizes(tmp_path: Path) -> None:
    got = read(save(tmp_path / "a.nii", affine=None, pixdim=[1, 2, 3, 4, 1, 1, 1, 1]))
    assert got.spacing_mm == (4, 3, 2)
    assert got.spacing_kind == "patient"
    assert read(save(tmp_path / "b.nii", affine=None)).spacing_kind == "none"


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.nii", xyzt_units=3)).spacing_mm == pytest.approx((0.004, 0.003, 0.002))


def test_a_flat_image_is_planar(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.nii", np.zeros((5, 4), np.uint8))).shape == (1, 4, 5)


def test_a_fourth_axis_of_one_is_dropped_and_a_longer_one_refused(tmp_path: Path) -> None:
    assert read(save(tmp_path / "a.nii", VALUES[..., None])).shape == (4, 3, 2)
    with pytest.raises(FormatError, match=r"a series of 5 volumes.*split it along its fourth axis"):
        read(save(tmp_path / "b.nii", np.zeros((2, 3, 4, 5), np.int16)))


def test_volumes_are_channels_where_as_many_are_wanted(tmp_path: Path) -> None:
    volumes = np.stack([VALUES, VALUES + 100], axis=-1)
    path = save(tmp_path / "a.nii.gz", volumes)
    got = read(path, volumes=2)
    assert got.channels == header(path, volumes=2).channels == 2
    np.testing.assert_array_equal(got.voxels[1], read(save(tmp_path / "b.nii", VALUES)).voxels[0] + 100)
    with pytest.raises(FormatError, match=r"3 channels were expected, and it holds 2 volumes \(its shape is"):
        read(path, volumes=3)
    with pytest.raises(FormatError, match="2 channels were expected, and it holds 1 volume "):
        header(tmp_path / "b.nii", volumes=2)


@pytest.mark.parametrize(
    ("shape", "intent"), [((2, 3, 4, 1, 3), 0), ((2, 3, 4, 1, 3), 1007), ((2, 3, 4, 3), 1006), ((2, 3, 4, 3), 2006)]
)
def test_vectors_are_no_channels(tmp_path: Path, shape: tuple[int, ...], intent: int) -> None:
    path = save(tmp_path / "warp.nii.gz", np.zeros(shape, np.float32), intent_code=intent)
    for look in (read, header):
        with pytest.raises(FormatError, match=r"warp\.nii\.gz: its numbers are the parts of vectors .*fourth axis"):
            look(path, volumes=3)


def test_other_formats_hold_one_image(tmp_path: Path) -> None:
    write_png(Image(np.zeros((1, 1, 4, 4), np.uint8), geometry.planar_affine()), tmp_path / "a.png")
    for look in (read, header):
        with pytest.raises(FormatError, match=r"a\.png: 2 channels were expected in one file, .* and it is PNG"):
            look(tmp_path / "a.png", volumes=2)


def test_a_sheared_affine_is_refused_in_degrees(tmp_path: Path) -> None:
    sheared = RAS.copy()
    sheared[0, 1] = 3 * np.tan(np.radians(20))
    with pytest.raises(GeometryError, match=r"its affine is sheared: two axes are 20.0 degrees away"):
        read(save(tmp_path / "a.nii", affine=sheared))


def test_an_axis_of_length_zero_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii")
    made: Any = nibabel.load(path)
    made.header["srow_z"] = [0, 0, 0, 0]
    made.header["sform_code"] = 1
    raw = bytearray(path.read_bytes())
    raw[:348] = made.header.binaryblock
    path.write_bytes(bytes(raw))
    with pytest.raises(GeometryError, match="axis of length 0"):
        read(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused_with_their_place(tmp_path: Path, bad: float) -> None:
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 2, 3] = bad
    with pytest.raises(FormatError, match=r"1 of 24 voxels are not numbers.*slice 3, row 2, column 1"):
        read(save(tmp_path / "a.nii", values))


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_file_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 99, (9, 9, 9)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FormatError, match="cut off or damaged"):
        read(path)


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="only real numbers"):
        read(save(tmp_path / "a.nii", np.zeros((2, 2, 2), np.complex64)))


def test_a_pair_of_header_and_image_is_read(tmp_path: Path) -> None:
    made: Any = nibabel.Nifti1Pair(VALUES, RAS)
    nibabel.save(made, tmp_path / "a.hdr")
    np.testing.assert_array_equal(read(tmp_path / "a.hdr").voxels[0].T, VALUES)


def test_header_agrees_with_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii.gz")
    told, got = header(path), read(path)
    assert (told.shape, told.dtype, told.spacing_kind) == (got.shape, got.voxels.dtype, got.spacing_kind)
    np.testing.assert_array_equal(told.affine, got.affine)


def test_writing_what_nifti_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    image = Image(voxels=np.zeros((1, 1, 2, 2), np.float16), affine=np.eye(4))
    with pytest.raises(FormatError, match="no code for float16"):
        write_nifti(image, tmp_path / "a.nii")
    assert list(tmp_path.iterdir()) == []
