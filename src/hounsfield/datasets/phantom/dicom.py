"""A film as a DICOM object: Digital Mammography X-Ray Image Storage - For Presentation (PS3.3 A.27)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.datasets.phantom.dicom_modules import add_equipment, add_image, patient_and_study, save, uid
from hounsfield.datasets.phantom.film import WHITE, Film

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

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


def write_film(film: Film, path: Path, *, key: str, number: int) -> None:
    """Write a film as an uncompressed DICOM file.

    Args:
        film: What is written.
        path: Where to.
        key: What its UIDs are made from, together with the patient's and the film's name: the seed and the settings.
        number: Of the film in its study, from 1.
    """
    woman = film.woman
    dataset = patient_and_study(woman.id, sex="F", age=woman.age, study="Mammography phantom", key=key)
    _add_series(dataset, film, key, number)
    add_equipment(dataset, site=woman.site)
    add_image(dataset, kind="")
    _add_acquisition(dataset, film)
    _add_pixels(dataset, film)
    save(dataset, path)


def _add_series(dataset: Dataset, film: Film, key: str, number: int) -> None:
    dataset.SOPClassUID = _STORAGE
    dataset.SOPInstanceUID = uid(f"{key} {film.name} instance")
    dataset.SeriesInstanceUID = uid(f"{key} {film.name} series")
    dataset.Modality = "MG"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.SeriesNumber = number
    dataset.InstanceNumber = 1
    dataset.SeriesDescription = f"{film.laterality} {film.view}"


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


def _add_pixels(dataset: Dataset, film: Film) -> None:
    pixels = WHITE - film.pixels if film.inverted else film.pixels
    inside = pixels[film.breast] if film.breast.any() else pixels
    low, high = (int(level) for level in np.percentile(inside[::7], (0.5, 99.5)))
    dataset.PatientOrientation = _ORIENTATIONS[film.laterality, film.view]
    dataset.PhotometricInterpretation = "MONOCHROME1" if film.inverted else "MONOCHROME2"
    dataset.Rows, dataset.Columns = film.pixels.shape
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1 if film.inverted else 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
    dataset.PresentationLUTShape = "INVERSE" if film.inverted else "IDENTITY"
    dataset.WindowCenter, dataset.WindowWidth = (low + high) // 2, max(high - low, 2)
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()


def _code(value: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code
