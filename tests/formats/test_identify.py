import gzip
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import dataset, save
from pydicom.uid import ImplicitVRLittleEndian

from hounsfield.formats import identify

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize(("suffix", "name"), [
    (".png", "png"), (".jpg", "jpeg"), (".tif", "tiff"), (".bmp", "bmp"), (".pgm", "pnm"),
])  # fmt: skip
def test_pictures_are_known_under_a_wrong_name(tmp_path: Path, suffix: str, name: str) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(cv2.imencode(suffix, PIXELS)[1].tobytes())
    assert identify(path) == name


@pytest.mark.parametrize(("suffix", "name"), [(".nrrd", "nrrd"), (".mha", "metaimage"), (".nii", "nifti")])
def test_volumes_are_known_under_a_wrong_name(tmp_path: Path, suffix: str, name: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(PIXELS), str(tmp_path / f"image{suffix}"))
    path = (tmp_path / f"image{suffix}").rename(tmp_path / "image.png")
    assert identify(path) == name


def test_gzipped_nifti_is_told_from_any_other_gzip_file(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(PIXELS[..., None], np.eye(4)), tmp_path / "image.nii.gz")
    (tmp_path / "other.nii.gz").write_bytes(gzip.compress(b"a text" * 200))
    assert identify((tmp_path / "image.nii.gz").rename(tmp_path / "image.bin")) == "nifti"
    assert identify(tmp_path / "other.nii.gz") is None


def test_dicom_is_known_with_and_without_its_preamble(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.png", dataset(PIXELS))
    bare = tmp_path / "bare"
    made = dataset(PIXELS, syntax=ImplicitVRLittleEndian)
    made.save_as(bare, implicit_vr=True, little_endian=True, enforce_file_format=False)
    bare.write_bytes(save(tmp_path / "implicit", made).read_bytes()[132:])
    assert identify(whole) == "dicom"
    assert identify(bare) == "dicom"


@pytest.mark.parametrize("content", [b"", b"\n", b"hello, this is a text\n" * 30, b"\0" * 400, b"P5", b"{}"])
def test_what_is_no_image_is_unknown(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.dcm"
    path.write_bytes(content)
    assert identify(path) is None


def test_a_folder_and_a_missing_file_are_unknown(tmp_path: Path) -> None:
    assert identify(tmp_path) is None
    assert identify(tmp_path / "missing") is None
