"""The real series: geometry as SimpleITK's, a known NIfTI twin, series that must be refused."""

import hashlib
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from hounsfield import geometry
from hounsfield.cli.main import main
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats import list_images, read

pytestmark = pytest.mark.real

SERIES = [
    "ibsi1_lung_ct/ct", "ibsi2_orientation/dicom", "hippocrop_1", "hippocrop_2", "hippocrop_3", "sts_002/ct",
    "sts_002/mr_t1", "sts_002/pet", "sts_019/ct", "sts_019/mr_t1", "sts_019/pet",
]  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_voxels_and_geometry_equal_simpleitks(real_data: Path, name: str) -> None:
    folder = real_data / "dicom_series" / name
    got = read(folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    theirs = reader.Execute()
    matrix = np.asarray(theirs.GetDirection()).reshape(3, 3) * theirs.GetSpacing()
    np.testing.assert_allclose(got.affine[:3, :3], matrix[:, ::-1], atol=1e-4)
    np.testing.assert_allclose(got.affine[:3, 3], theirs.GetOrigin(), atol=1e-4)
    np.testing.assert_array_equal(got.voxels[0], sitk.GetArrayFromImage(theirs).astype(got.voxels.dtype))


def test_the_lung_ct_reproduces_its_official_nifti_exactly(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "dicom_series" / "ibsi1_lung_ct"
    expected = json.loads((folder / "expected_nifti.json").read_text())
    assert main(["convert", str(folder), "-o", str(tmp_path / "ct.nii.gz")]) == 0
    written = nibabel.load(tmp_path / "ct.nii.gz")
    assert isinstance(written, nibabel.Nifti1Image)
    values = np.asarray(written.dataobj)
    assert list(values.shape) == expected["shape"]
    np.testing.assert_array_equal(written.affine.astype(np.float32), np.asarray(expected["affine_ras"], np.float32))
    assert (values.min(), values.max(), values.sum(dtype=np.float64)) == (
        expected["min"], expected["max"], expected["sum"],
    )  # fmt: skip
    digest = hashlib.sha256(values.astype(np.int16).tobytes(order="F")).hexdigest()
    assert digest == expected["sha256_of_int16_fortran_order"]


def test_the_orientation_phantom_equals_its_nifti_twin_that_counts_slices_from_the_other_end(real_data: Path) -> None:
    folder = real_data / "dicom_series" / "ibsi2_orientation"
    dicom, nifti = read(folder / "dicom"), read(folder / "orientation.nii.gz")
    assert dicom.affine[2, 3] == -126  # the file's own positions: the slice of value 63 lies lowest
    np.testing.assert_array_equal(dicom.voxels[0, ::-1], nifti.voxels[0])


@pytest.mark.parametrize(("name", "reason"), [
    ("gantrytilting", r"gantry tilt of 14.0 degrees"),
    ("sliceincrement", r"1 slice is missing: 10.00 mm between .*0009-0001.dcm .* and .*0010-0001.dcm"),
    ("slicecount", r"only 2 slices .*, too few for a volume"),
    ("sliceorientation", r"mixed orientations: axial .* sagittal"),
])  # fmt: skip
def test_a_bad_series_is_refused_for_its_true_reason(real_data: Path, name: str, reason: str) -> None:
    with pytest.raises(GeometryError, match=reason):
        read(real_data / "dicom_objects" / "bad_series" / name)


def test_a_patients_folder_lists_its_series(real_data: Path) -> None:
    folder = real_data / "dicom_series" / "sts_002"
    with pytest.raises(FormatError, match=r"holds 3 DICOM series, not one: CT .* MR .* PT "):
        read(folder)
    assert [path.name for path in list_images(folder)] == ["ct", "mr_t1", "pet"]


def test_enhanced_mr_is_sorted_by_position_and_scaled(real_data: Path) -> None:
    got = read(real_data / "dicom_objects" / "enhanced_mr_multiframe.dcm")
    assert got.shape == (8, 256, 256)
    assert got.spacing_mm == pytest.approx((1.2, 1, 1), abs=1e-4)
    # sagittal, stacked to the patient's right: the normal of rows (0, 1, 0) and columns (0, 0, -1) is (-1, 0, 0)
    np.testing.assert_allclose(got.affine[:3, 3], [100.2936, -150.6046, 116.9492], atol=1e-3)
    assert geometry.orientation(got.affine) == "RIP"
    assert got.voxels.dtype == np.float32
    assert got.windows[0].width == 567


def test_objects_without_an_image_are_refused(real_data: Path) -> None:
    for name, words in {
        "highdicom/sr_document.dcm": "is a structured report, it has no image",
        "highdicom/seg_image_ct_binary.dcm": "is a segmentation",
        "highdicom/sm_image.dcm": "is a whole-slide image",
        "highdicom/sm_annotations.dcm": "microscopy annotations",
        "dcmqi/sr-example/rwvm.dcm": "real-world value mapping",
    }.items():
        with pytest.raises(FormatError, match=words):
            read(real_data / "dicom_objects" / name)
