"""Pixel spacing of a DICOM image, and whether its millimetres are the patient's or the detector's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hounsfield.image import SpacingKind

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DETECTOR_KEYWORDS = ("ImagerPixelSpacing", "NominalScannedPixelSpacing")
_EQUAL_TOLERANCE = 1e-6
_CENTIMETRE = 3
"""PhysicalUnits code for cm (PS3.3 C.8.5.5.1.15)."""


def spacing_of(dataset: Dataset) -> tuple[tuple[float, float], SpacingKind]:
    """((row distance, column distance) in mm, kind); ((1, 1), "none") where the file says nothing (PS3.3 10.7.1).

    PixelSpacing is the patient's, unless it only repeats ImagerPixelSpacing without saying that it was calibrated:
    then it is what the detector saw, magnified, and is called "detector". ImagerPixelSpacing and the scanner's
    NominalScannedPixelSpacing alone are the detector's. An ultrasound image with one calibrated region takes its.
    """
    patient = pair(dataset.get("PixelSpacing"))
    detector = next(filter(None, (pair(dataset.get(keyword)) for keyword in _DETECTOR_KEYWORDS)), None)
    if patient and detector and not dataset.get("PixelSpacingCalibrationType"):
        same = all(math.isclose(one, two, abs_tol=_EQUAL_TOLERANCE) for one, two in zip(patient, detector, strict=True))
        if same:
            return detector, "detector"
    if patient:
        return patient, "patient"
    if detector:
        return detector, "detector"
    ultrasound = _ultrasound_spacing(dataset)
    return (ultrasound, "patient") if ultrasound else ((1.0, 1.0), "none")


def pair(value: Any) -> tuple[float, float] | None:
    """Two distances above 0 mm; None when the value is anything else."""
    try:
        rows, columns = (float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return (rows, columns) if rows > 0 and columns > 0 and math.isfinite(rows + columns) else None


def slice_distance_mm(dataset: Dataset) -> float:
    """Distance to the next slice as the header states it, or the slice's thickness; 1 where neither is given."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = dataset.get(keyword)
        if value is not None and value != "" and math.isfinite(float(value)) and float(value) > 0:
            return float(value)
    return 1.0


def _ultrasound_spacing(dataset: Dataset) -> tuple[float, float] | None:
    regions: Any = dataset.get("SequenceOfUltrasoundRegions") or ()
    if len(regions) != 1:
        return None
    region = regions[0]
    if {region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection")} != {_CENTIMETRE}:
        return None
    centimetres = pair((region.get("PhysicalDeltaY", 0), region.get("PhysicalDeltaX", 0)))
    return (centimetres[0] * 10, centimetres[1] * 10) if centimetres else None
