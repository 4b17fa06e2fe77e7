"""A volume as a DICOM series of axial slices: CT Image Storage (PS3.3 A.3) or MR Image Storage (PS3.3 A.4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.phantom.dicom_modules import add_equipment, add_image, patient_and_study, save, uid
from hounsfield.datasets.phantom3d.grid import Grid
from hounsfield.datasets.phantom3d.looks import CT_RANGE, Look
from hounsfield.datasets.phantom3d.patient import Patient

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_STORAGE = {"ct": "1.2.840.10008.5.1.4.1.1.2", "mr": "1.2.840.10008.5.1.4.1.1.4"}


class SeriesWriter:
    """Writes the slices of one series, one file each."""

    def __init__(self, patient: Patient, look: Look, grid: Grid, folder: Path, key: str) -> None:
        """Prepare what all slices share.

        Args:
            patient: Who is imaged.
            look: CT or MR.
            grid: Of the image.
            folder: Where the files go; it is made.
            key: What the UIDs are made from, together with the patient: the seed and the settings.
        """
        folder.mkdir(parents=True)
        self._folder, self._grid, self._look = folder, grid, look
        self._key = f"{key} {look} {patient.id}"
        self._shared = patient_and_study(
            patient.id, sex=patient.sex, age=patient.age, study="Phantom of the abdomen", key=key
        )
        _add_series(self._shared, patient, look, key)
        add_equipment(self._shared, site=patient.site)
        add_image(self._shared, kind="AXIAL" if look == "ct" else "OTHER")
        _add_acquisition(self._shared, look)
        _add_pixel_description(self._shared, look, grid)

    def write(self, index: int, plane: VoxelArray) -> None:
        """Write a slice.

        Args:
            index: Of the slice, from the feet.
            plane: (height, width), Hounsfield units in int16, or signal in uint16.
        """
        dataset = self._shared
        x, y, z = (float(self._grid.axis(axis)[0]) for axis in (2, 1, 0))
        z += index * self._grid.spacing_mm[0]
        dataset.SOPInstanceUID = uid(f"{self._key} {index} instance")
        dataset.InstanceNumber = index + 1
        dataset.ImagePositionPatient = [_decimal(x), _decimal(y), _decimal(z)]
        dataset.SliceLocation = _decimal(z)
        stored = plane.astype(np.int32) - CT_RANGE[0] if self._look == "ct" else plane
        dataset.PixelData = np.ascontiguousarray(stored, dtype="<u2").tobytes()
        save(dataset, self._folder / f"{index + 1:04d}.dcm")


def _decimal(number: float) -> str:
    """A decimal string, of at most 16 characters (PS3.5 6.2)."""
    return f"{number:.10g}"


def _add_series(dataset: Dataset, patient: Patient, look: Look, key: str) -> None:
    dataset.SOPClassUID = _STORAGE[look]
    dataset.SeriesInstanceUID = uid(f"{key} {look} {patient.id} series")
    dataset.FrameOfReferenceUID = uid(f"{key} {patient.id} frame of reference")  # CT and MR lie in the same place
    dataset.PositionReferenceIndicator = ""
    dataset.Modality = look.upper()
    dataset.SeriesNumber = 1 if look == "ct" else 2
    dataset.SeriesDescription = "Abdomen, portal venous phase" if look == "ct" else "Abdomen, T1"
    dataset.PatientPosition = "HFS"
    dataset.BodyPartExamined = "ABDOMEN"


def _add_acquisition(dataset: Dataset, look: Look) -> None:
    dataset.AcquisitionNumber = 1
    if look == "ct":
        dataset.KVP = "120"
        return
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
    dataset.MRAcquisitionType = "2D"
    dataset.RepetitionTime, dataset.EchoTime, dataset.EchoTrainLength = "500", "10", "1"


def _add_pixel_description(dataset: Dataset, look: Look, grid: Grid) -> None:
    depth, height, width = grid.spacing_mm
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.PixelSpacing = [_decimal(height), _decimal(width)]
    dataset.SliceThickness = _decimal(depth)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = grid.shape[1:]
    dataset.WindowCenter, dataset.WindowWidth = ("50", "400") if look == "ct" else ("550", "1100")
    if look == "ct":
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = str(CT_RANGE[0]), "1", "HU"
