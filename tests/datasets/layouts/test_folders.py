from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from hounsfield.datasets import load, open_dataset
from hounsfield.errors import DatasetError

WriteFilm = Callable[..., Path]


def test_class_folders_are_classes_and_cases_are_named_by_their_path(tmp_path: Path, write_film: WriteFilm) -> None:
    for name in ("malignant/m1.png", "benign/b10.png", "benign/b2.png", "benign/deep/b3.png"):
        write_film(name)
    (tmp_path / "benign" / "notes.txt").write_text("not an image")
    (tmp_path / ".cache").mkdir()
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "folders"
    assert dataset.classes == ("benign", "malignant")
    assert {(case.id, case.target) for case in dataset.cases} == {
        ("benign/b2.png", 0),
        ("benign/b10.png", 0),
        ("benign/deep/b3.png", 0),
        ("malignant/m1.png", 1),
    }
    assert not dataset.patients_known
    assert dataset.notes == ("the positive class is malignant",)


def test_train_and_test_folders_are_parts(tmp_path: Path, write_film: WriteFilm) -> None:
    for name in ("train/benign/a.png", "train/malignant/a.png", "Test/malignant/b.png"):
        write_film(name)
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("benign", "malignant")
    assert {case.id: case.part for case in dataset.cases} == {
        "train/benign/a.png": "train",
        "train/malignant/a.png": "train",
        "Test/malignant/b.png": "test",
    }


def _series(folder: Path, patient: str, slices: int = 3) -> None:
    """A small CT series in a folder of its own."""
    folder.mkdir(parents=True)
    series, study = generate_uid(), generate_uid()
    for number in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = FileDataset(str(folder / f"{number}.dcm"), {}, file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID, file.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        file.PatientID, file.Modality, file.SeriesInstanceUID, file.StudyInstanceUID = patient, "CT", series, study
        file.FrameOfReferenceUID = study
        file.ImagePositionPatient, file.ImageOrientationPatient = [0, 0, 2.0 * number], [1, 0, 0, 0, 1, 0]
        file.PixelSpacing, file.SliceThickness = [0.5, 0.5], 2
        file.Rows, file.Columns, file.SamplesPerPixel, file.PhotometricInterpretation = 4, 5, 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 1
        file.RescaleSlope, file.RescaleIntercept = 1, -1024
        file.PixelData = np.full((4, 5), number, np.int16).tobytes()
        pydicom.dcmwrite(folder / f"{number}.dcm", file, enforce_file_format=True)


def test_a_folder_that_is_a_dicom_series_is_one_case_with_its_patient(tmp_path: Path) -> None:
    _series(tmp_path / "nodule/s1", "P1")
    _series(tmp_path / "nodule/s2", "P2")
    _series(tmp_path / "normal/s3", "P1")
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ("normal", "nodule")
    assert {case.id: case.patient for case in dataset.cases} == {
        "nodule/s1": "P1",
        "nodule/s2": "P2",
        "normal/s3": "P1",
    }
    assert dataset.patients_known
    image = load(dataset.cases[0].images["image"])
    assert image.shape == (3, 4, 5)


def test_one_patient_id_on_every_file_is_no_patient_id(tmp_path: Path) -> None:
    for number in range(3):
        _series(tmp_path / f"{'nodule' if number else 'normal'}/s{number}", "ANONYMOUS", slices=1)
    dataset = open_dataset(tmp_path)
    assert not dataset.patients_known
    assert len({case.patient for case in dataset.cases}) == 3
    assert "every DICOM file names the same patient, 'ANONYMOUS'" in dataset.notes[0]


def test_an_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no images in folders; expected a folder for each class"):
        open_dataset(tmp_path)
    (tmp_path / "benign").mkdir()
    with pytest.raises(DatasetError, match="holds no images in folders"):
        open_dataset(tmp_path)


def test_images_without_class_folders_are_refused(tmp_path: Path, write_film: WriteFilm) -> None:
    write_film("a.png")
    with pytest.raises(DatasetError, match="holds 1 image but no folders with images; expected"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("folders", [("images", "lung_masks"), ("Images",)])
def test_folders_that_are_no_classes_are_refused(
    tmp_path: Path, write_film: WriteFilm, folders: tuple[str, ...]
) -> None:
    for folder in folders:
        write_film(f"{folder}/a.png")
    with pytest.raises(DatasetError, match="do not look like classes; expected"):
        open_dataset(tmp_path)


def test_a_folder_for_each_patient_is_refused(tmp_path: Path, write_film: WriteFilm) -> None:
    for number in range(10):
        write_film(f"P{number:03d}/film.png")
    with pytest.raises(
        DatasetError, match="10 folders with 10 images in all .* look like patients rather than classes"
    ):
        open_dataset(tmp_path)
