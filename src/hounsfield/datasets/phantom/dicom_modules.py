"""What all DICOM objects of the phantoms share: a person who does not exist, the maker, and how the file begins."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hounsfield import __version__

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

_DATE, _TIME = "20250101", "080000"


def uid(text: str) -> UID:
    """A UID that follows from a text, under the root of UUIDs, 2.25 (PS3.5 B.2): the same text gives the same."""
    from pydicom.uid import UID

    return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")


def patient_and_study(name: str, *, sex: Literal["F", "M"], age: int, study: str, key: str) -> Dataset:
    """A data set with the modules of patient and study (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2).

    Args:
        name: The patient's, and its id.
        sex: The patient's.
        age: In years.
        study: What the study is.
        key: What UIDs are made from, together with the name: the seed and the settings.
    """
    from pydicom.dataset import Dataset

    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"Phantom^{name}"
    dataset.PatientID = name
    dataset.PatientBirthDate = ""
    dataset.PatientSex = sex
    dataset.PatientAge = f"{age:03d}Y"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Made by a program; no person was imaged"
    dataset.StudyInstanceUID = uid(f"{key} {name} study")
    dataset.StudyDate, dataset.StudyTime = _DATE, _TIME
    dataset.StudyID = name
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = study
    return dataset


def add_equipment(dataset: Dataset, *, site: str) -> None:
    """Add the module of the equipment (PS3.3 C.7.5.1): this program, at a hospital of the phantom."""
    dataset.Manufacturer = "Hounsfield"
    dataset.ManufacturerModelName = "Phantom"
    dataset.DeviceSerialNumber = "0"
    dataset.SoftwareVersions = __version__
    dataset.InstitutionName = site


def add_image(dataset: Dataset, *, kind: str) -> None:
    """Add what the images share of their general module (PS3.3 C.7.6.1): 12 bits of 16, drawn, without writing on it.

    Args:
        dataset: Of the object.
        kind: The third value of its Image Type.
    """
    dataset.ImageType = ["DERIVED", "PRIMARY", kind]
    dataset.DerivationDescription = "Drawn by a program"
    dataset.ContentDate, dataset.ContentTime = _DATE, _TIME
    dataset.AcquisitionDate, dataset.AcquisitionTime = _DATE, _TIME
    dataset.SamplesPerPixel = 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.LossyImageCompression = "00"
    dataset.BurnedInAnnotation = "NO"  # markers name a side and a view, no person (PS3.3 C.7.6.1.1)


def save(dataset: Dataset, path: Path) -> None:
    """Write an object with its SOP class and instance, uncompressed."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = uid("hounsfield")
    dataset.file_meta.ImplementationVersionName = "HOUNSFIELD"
    dataset.save_as(path, enforce_file_format=True)
