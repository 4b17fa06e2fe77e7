"""`Slice`: the header of one DICOM file as far as a series needs it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.errors import FormatError
from hounsfield.formats.dicom_scan import WANTED, Value, scan

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ENCAPSULATED_EXCEPT = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
PLAIN = _ENCAPSULATED_EXCEPT[:2]
"""Transfer syntaxes whose pixels stand in the file as they stand in memory: little endian, not compressed."""


@dataclass(frozen=True)
class Slice:
    """One file of a series. Texts are empty and numbers 0 where the file says nothing."""

    path: Path
    transfer_syntax: str
    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    patient: str
    """Patient ID."""
    series_name: str
    """For listings: number and description."""
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    position_mm: tuple[float, ...]
    """(3,) LPS of the first pixel's centre, or empty."""
    orientation: tuple[float, ...]
    """(6,) direction along a row, then along a column; or empty."""
    pixel_spacing_mm: tuple[float, ...]
    """(row distance, column distance), or empty."""
    slope: float
    intercept: float
    has_lut: bool
    """The modality LUT is a table."""
    multi_frame: bool
    """Enhanced: geometry stands in per-frame groups."""
    pixel_offset: int
    """Where the pixel data begin in the file; -1 when only pydicom knows."""
    pixel_length: int
    """Bytes; -1 when compressed."""

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.path.name

    @property
    def has_pixels(self) -> bool:
        """Whether the file declares an image."""
        return self.rows > 0 and self.columns > 0

    @property
    def stackable(self) -> bool:
        """Whether it can be a slice of a volume: one frame with a place in the patient."""
        return (
            self.has_pixels
            and len(self.position_mm) == 3
            and len(self.orientation) == 6
            and self.frames == 1
            and not self.multi_frame
        )


def read_slice(path: Path, head: bytes = b"") -> Slice:
    """The header of a DICOM file, without its pixels.

    Args:
        path: The file.
        head: Its first bytes, if they were read before.

    Raises:
        FormatError: pydicom cannot read it either.
    """
    found = scan(path, head)
    if found is not None:
        return _slice(path, found.values, found.pixel_offset, found.pixel_length)
    from hounsfield.formats.dicom_dataset import open_dataset, readable_header

    with readable_header(path):
        return _slice(path, plain_values(open_dataset(path, pixels=False)), -1, -1)


def plain_values(dataset: Dataset) -> dict[str, Value]:
    """The wanted tags of a pydicom data set, in the form `dicom_scan` gives them."""
    values: dict[str, Value] = {}
    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if syntax:
        values["TransferSyntaxUID"] = str(syntax)
    for keyword, kind in WANTED.values():
        value = dataset.get(keyword)
        if value is None or (not isinstance(value, int | float) and not len(value)) or keyword in values:
            continue
        several = [value] if isinstance(value, str | int | float) else list(value)
        if kind == "presence":
            values[keyword] = 1
        elif kind == "number":
            values[keyword] = int(several[0])
        elif kind == "decimals":
            values[keyword] = tuple(float(part) for part in several)
        elif kind == "texts":
            values[keyword] = tuple(str(part).strip() for part in several)
        else:
            values[keyword] = "\\".join(str(part) for part in several).strip(" \0")
    return values


def _slice(path: Path, values: dict[str, Value], offset: int, length: int) -> Slice:
    try:
        return _typed_slice(path, values, offset, length)
    except (ValueError, OverflowError) as error:
        raise FormatError(f"{path}: a tag of its header cannot be read ({error}); the file is damaged") from error


def _typed_slice(path: Path, values: dict[str, Value], offset: int, length: int) -> Slice:
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    decimals: dict[str, tuple[float, ...]] = {}
    kinds: tuple[str, ...] = ()
    for keyword, value in values.items():
        if isinstance(value, str):
            texts[keyword] = value
        elif isinstance(value, int):
            numbers[keyword] = value
        elif keyword == "ImageType":
            kinds = tuple(str(part) for part in value)
        else:
            decimals[keyword] = tuple(float(part) for part in value)
    for keyword, parts in decimals.items():
        if not all(map(math.isfinite, parts)):
            raise ValueError(f"{keyword} is not a number")
    return Slice(
        path=path,
        transfer_syntax=texts.get("TransferSyntaxUID", ""),
        sop_class=texts.get("SOPClassUID", ""),
        sop_uid=texts.get("SOPInstanceUID", ""),
        series_uid=texts.get("SeriesInstanceUID", ""),
        study_uid=texts.get("StudyInstanceUID", ""),
        frame_of_reference_uid=texts.get("FrameOfReferenceUID", ""),
        patient=texts.get("PatientID", ""),
        series_name=" ".join(filter(None, (texts.get("SeriesNumber"), texts.get("SeriesDescription")))),
        modality=texts.get("Modality", ""),
        image_type=kinds,
        rows=numbers.get("Rows", 0),
        columns=numbers.get("Columns", 0),
        samples=numbers.get("SamplesPerPixel", 1),
        frames=int(texts.get("NumberOfFrames", "1")),
        bits_allocated=numbers.get("BitsAllocated", 0),
        bits_stored=numbers.get("BitsStored", 0) or numbers.get("BitsAllocated", 0),
        signed=numbers.get("PixelRepresentation", 0) == 1,
        photometric=texts.get("PhotometricInterpretation", ""),
        position_mm=decimals.get("ImagePositionPatient", ()),
        orientation=decimals.get("ImageOrientationPatient", ()),
        pixel_spacing_mm=decimals.get("PixelSpacing", ()),
        slope=decimals.get("RescaleSlope", (1.0,))[0],
        intercept=decimals.get("RescaleIntercept", (0.0,))[0],
        has_lut="ModalityLUTSequence" in values,
        multi_frame="PerFrameFunctionalGroupsSequence" in values,
        pixel_offset=offset,
        pixel_length=length,
    )
