"""What a DICOM header says about an image besides its pixels: patient, study, breast and view."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hounsfield.image import Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_AGE_UNITS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
"""Years in a unit of an age string (PS3.5 6.2)."""
_OLDEST_YEARS = 130.0

VIEWS: dict[str, str] = {
    "R-10242": "CC", "399162004": "CC",
    "R-10226": "MLO", "399368009": "MLO",
    "R-10224": "ML", "399260004": "ML",
    "R-10228": "LM", "399352003": "LM",
    "R-10230": "LMO", "399099002": "LMO",
    "R-10244": "FB", "399196006": "FB",
    "R-102D0": "SIO", "399188001": "SIO",
    "R-40AAA": "ISO", "441555000": "ISO",
    "R-1024A": "XCCL", "399192008": "XCCL",
    "R-1024B": "XCCM", "399101009": "XCCM",
}  # fmt: skip
"""Mammography views by SNOMED RT and CT code (PS3.16 CID 4014), as their usual abbreviations (ACR)."""


def source_of(dataset: Dataset, path: Path, *, sop_uids: tuple[str, ...] | None = None) -> Source:
    """What the header says, as `Source`.

    Args:
        dataset: pydicom's data set; of a series, its first slice.
        path: The file, or the folder of the series.
        sop_uids: Of all slices in their order; None takes the data set's own.
    """
    own = _text(dataset, "SOPInstanceUID")
    return Source(
        path=path,
        format="dicom",
        patient_id=_text(dataset, "PatientID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        sop_uids=((own,) if own else ()) if sop_uids is None else sop_uids,
        body_part=_text(dataset, "BodyPartExamined"),
        laterality=laterality(dataset),
        view=view(dataset),
        sex=_text(dataset, "PatientSex"),
        age_years=age_years(dataset),
        manufacturer=_text(dataset, "Manufacturer"),
        description=_text(dataset, "SeriesDescription") or _text(dataset, "StudyDescription"),
        photometric=_text(dataset, "PhotometricInterpretation"),
    )


def laterality(dataset: Dataset) -> Literal["L", "R", "B", ""]:
    """Side of the body: of the image, of its frames, or of the series, in this order (PS3.3 C.8.11.7, C.7.3.1)."""
    found = _text(dataset, "ImageLaterality")
    found = found or next((_text(item, "FrameLaterality") for item in _frame_anatomy(dataset)), "")
    found = found or _text(dataset, "Laterality")
    if found == "L":
        return "L"
    if found == "R":
        return "R"
    return "B" if found == "B" else ""


def view(dataset: Dataset) -> str:
    """Mammography view or radiographic view position; from the coded view where the plain one is missing."""
    position = _text(dataset, "ViewPosition")
    if position:
        return position
    for item in dataset.get("ViewCodeSequence") or ():
        code = _text(item, "CodeValue")
        return VIEWS.get(code) or _text(item, "CodeMeaning") or code
    return ""


def age_years(dataset: Dataset) -> float | None:
    """Age at the examination: from the age string, else from the birth and study dates; None where neither helps."""
    text = _text(dataset, "PatientAge")
    if len(text) == 4 and text[:3].isdigit() and text[3] in _AGE_UNITS:
        return int(text[:3]) * _AGE_UNITS[text[3]]
    born = _day(_text(dataset, "PatientBirthDate"))
    studied = _day(_text(dataset, "StudyDate")) or _day(_text(dataset, "AcquisitionDate"))
    if born is None or studied is None:
        return None
    years = (studied - born).days / 365.25
    return years if 0 <= years <= _OLDEST_YEARS else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.replace(".", ""))
    except ValueError:
        return None


def _frame_anatomy(dataset: Dataset) -> Iterator[Dataset]:
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in (dataset.get(keyword) or ())[:1]:
            yield from group.get("FrameAnatomySequence") or ()


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip(" \0")
