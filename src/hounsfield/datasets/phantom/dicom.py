"""A film as a DICOM object: Digital Mammography X-Ray Image Storage - For Presentation (PS3.3 A.27)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield import __version__
from hounsfield.datasets.phantom.film import WHITE, Film

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

_STORAGE = "1.2.840.10008.5.1.4.1.1.1.2"
_VIEWS = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
"""PS3.16 CID 4014, SNOMED CT."""
_COMPOSITIONS = {
    "A": ("129716005", "Almost entirely fat"),
    "B": ("129717001", "Scattered fibroglandular densities"),
    "C": ("129718006", "Heterogeneously dense"),
    "D": ("129719003", "Extremely dense"),
}
"""PS3.16 CID 6000, SNOMED CT."""
_ORIENTATIONS = {
    ("L", "CC"): ["A", "R"],
    ("R", "CC"): ["P", "L"],
    ("L", "MLO"): ["A", "FR"],
    ("R", "MLO"): ["P", "FL"],
}
"""Where rows and columns lead (PS3.3 C.7.6.1.1.1)."""


def uid(text: str) -> UID:
    """A UID that follows from a text, under the root of UUIDs, 2.25 (PS3.5 B.2): the same text gives the same."""
    from pydicom.uid import UID

    return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")


def write_film(film: Film, path: Path, *, key: str, number: int) -> None:
    """Write a film as an uncompressed DICOM file.

    Args:
        film: What is written.
        path: Where to.
        key: What its UIDs are made from, together with the patient's and the film's name: the seed and the settings.
        number: Of the film in its study, from 1.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    dataset = _patient_and_study(film, key)
    _add_series_and_equipment(dataset, film, key, number)
    _add_acquisition(dataset, film)
    _add_pixels(dataset, film)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(_STORAGE)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = uid("hounsfield")
    dataset.file_meta.ImplementationVersionName = "HOUNSFIELD"
    dataset.save_as(path, enforce_file_format=True)


def _patient_and_study(film: Film, key: str) -> Dataset:
    from pydicom.dataset import Dataset

    woman, dataset = film.woman, Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"Phantom^{woman.id}"
    dataset.PatientID = woman.id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "F"
    dataset.PatientAge = f"{woman.age:03d}Y"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Made by a program; no person was imaged"
    dataset.StudyInstanceUID = uid(f"{key} {woman.id} study")
    dataset.StudyDate, dataset.StudyTime = "20250101", "080000"
    dataset.StudyID = woman.id
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Mammography phantom"
    return dataset


def _add_series_and_equipment(dataset: Dataset, film: Film, key: str, number: int) -> None:
    dataset.SOPClassUID = _STORAGE
    dataset.SOPInstanceUID = uid(f"{key} {film.name} instance")
    dataset.SeriesInstanceUID = uid(f"{key} {film.name} series")
    dataset.Modality = "MG"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.SeriesNumber = number
    dataset.InstanceNumber = 1
    dataset.SeriesDescription = f"{film.laterality} {film.view}"
    dataset.Manufacturer = "Hounsfield"
    dataset.ManufacturerModelName = "Phantom"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = __version__
    dataset.InstitutionName = film.woman.site


def _add_acquisition(dataset: Dataset, film: Film) -> None:
    dataset.BodyPartExamined = "BREAST"
    dataset.AnatomicRegionSequence = [_code("76752008", "Breast")]
    dataset.ImageLaterality = film.laterality
    dataset.OrganExposed = "BREAST"
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.ViewPosition = film.view
    view = _code(*_VIEWS[film.view])
    view.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [view]
    dataset.BreastImplantPresent = "NO"
    dataset.PartialView = "NO"
    composition = _code("129715009", "Breast composition")
    item = type(dataset)()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = [composition]
    item.ConceptCodeSequence = [_code(*_COMPOSITIONS[film.woman.density])]
    dataset.AcquisitionContextSequence = [item]
    dataset.DetectorType = "SCINTILLATOR"
    dataset.DetectorConfiguration = "AREA"
    dataset.ImagerPixelSpacing = [f"{film.pixel_mm:.6g}"] * 2
    dataset.ContentDate, dataset.ContentTime = "20250101", "080000"
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20250101", "080000"


def _add_pixels(dataset: Dataset, film: Film) -> None:
    pixels = WHITE - film.pixels if film.inverted else film.pixels
    inside = pixels[film.breast] if film.breast.any() else pixels
    low, high = (int(level) for level in np.percentile(inside[::7], (0.5, 99.5)))
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.DerivationDescription = "Drawn by a program"
    dataset.PatientOrientation = _ORIENTATIONS[film.laterality, film.view]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if film.inverted else "MONOCHROME2"
    dataset.Rows, dataset.Columns = film.pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1 if film.inverted else 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "INVERSE" if film.inverted else "IDENTITY"
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"  # the markers name a side and a view, no person (PS3.3 C.7.6.1.1)
    dataset.WindowCenter, dataset.WindowWidth = (low + high) // 2, max(high - low, 2)
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()


def _code(value: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code
