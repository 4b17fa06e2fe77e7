"""DICOM objects that hold no image, or one that is read elsewhere: what to say of each."""

from __future__ import annotations

from functools import cache

_STORAGE = "1.2.840.10008.5.1.4.1.1."

SEGMENTATIONS = (f"{_STORAGE}66.4", f"{_STORAGE}66.7")
"""Segmentation and label-map segmentation: see `dicom_seg`."""

STRUCTURE_SET = f"{_STORAGE}481.3"
"""Radiotherapy structure set: see `dicom_rtstruct`."""

_BY_PREFIX: tuple[tuple[str, str], ...] = (
    ("88.", "is a structured report, it has no image"),
    ("66.4", "is a segmentation: labels drawn on other images, not an image; read the series it refers to"),
    ("66.7", "is a label-map segmentation: labels drawn on other images, not an image; read the series it refers to"),
    ("66.5", "is a surface segmentation, it has no image"),
    ("66", "holds raw data or a registration, it has no image"),
    ("67", "is a real-world value mapping, it has no image"),
    ("481.3", "is a radiotherapy structure set: contours drawn on other images, it has no image"),
    ("481.5", "is a radiotherapy plan, it has no image"),
    ("481.8", "is a radiotherapy plan, it has no image"),
    ("481.1.", ""),
    ("481.1", ""),
    ("481.2", ""),
    ("481.", "is a radiotherapy record, it has no image"),
    ("9.", "is a waveform, it has no image"),
    ("11.", "is a presentation state, it has no image"),
    ("104.", "is an encapsulated document, it has no image"),
    ("91.1", "is a set of microscopy annotations, it has no image"),
    ("77.1.6", "is a whole-slide image in tiles; this version reads no slides: export a region as TIFF or PNG first"),
    ("77.1.5.", ""),
    ("4.2", "is an MR spectrum, it has no image"),
)
"""What follows the storage root UID, and the sentence; an empty one is an image. First match counts (PS3.4 B.5)."""

_LOCALIZER = "LOCALIZER"
_DIRECTORY = "1.2.840.10008.1.3.10"


@cache
def refusal(sop_class: str) -> str:
    """Why this SOP class is not read, as the end of a sentence; empty for images and for unknown classes."""
    if sop_class == _DIRECTORY:
        return "is a DICOMDIR, the index of a disc, it has no image; give the folder that holds it"
    if not sop_class.startswith(_STORAGE):
        return ""
    rest = sop_class.removeprefix(_STORAGE)
    for prefix, sentence in _BY_PREFIX:
        if rest == prefix.rstrip(".") or rest.startswith(f"{prefix.rstrip('.')}."):
            return sentence
    return ""


def is_drawing(sop_class: str) -> bool:
    """Whether it names structures that were drawn on images: a segmentation or a structure set."""
    return sop_class in (*SEGMENTATIONS, STRUCTURE_SET)


def is_localizer(image_type: tuple[str, ...]) -> bool:
    """Whether the image is a scout, on which the slices of other series were planned (PS3.3 C.8.2.1.1.1)."""
    return _LOCALIZER in image_type[2:]
