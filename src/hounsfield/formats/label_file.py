"""A DICOM segmentation or structure set written as NIfTI of numbers, with the names of the numbers beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hounsfield.atomic import write_text
from hounsfield.errors import FormatError
from hounsfield.formats.drawing import Drawing
from hounsfield.formats.folder import survey
from hounsfield.formats.header import Header
from hounsfield.formats.overlay import numbers_of
from hounsfield.formats.read import header
from hounsfield.formats.structures import overlaid, smallest
from hounsfield.formats.write import write_nifti
from hounsfield.image import Image


def write_labels(drawing: Drawing, image: Header, path: Path) -> tuple[str, ...]:
    """Write a number for every voxel of the image, and NAME.json beside NAME.nii.gz.

    Structures count from 1 in the order of the file, then each combination of structures that overlap somewhere. The
    JSON file says which numbers a structure has, as nnU-Net's dataset.json does: `{"labels": {"Liver": [1, 3], …}}`.

    Returns:
        What was not taken as it was drawn.

    Raises:
        FormatError, GeometryError, StorageError: As `parts_of`, and where the disk refuses.
    """
    found, combinations, notes = overlaid(drawing, image)
    places = range(len(drawing.structures))
    numbers = numbers_of(places, combinations)
    voxels = smallest([numbers[own] for own in combinations])[found]
    labels = [[number for own, number in numbers.items() if place in own] for place in places]
    names = _names(drawing)
    document = {
        "labels": {name: own if len(own) > 1 else own[0] for name, own in zip(names, labels, strict=True)},
        "codes": {name: one.code for name, one in zip(names, drawing.structures, strict=True) if one.code},
    }
    write_nifti(Image(voxels[np.newaxis], image.affine, spacing_kind=image.spacing_kind, source=image.source), path)
    write_text(names_file(path), json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return notes


def names_file(path: Path) -> Path:
    """Where the names of the numbers in a NIfTI file stand."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def _names(drawing: Drawing) -> list[str]:
    """Of each structure; those of one name have their number behind it."""
    names = [one.name for one in drawing.structures]
    return [one.name if names.count(one.name) == 1 else f"{one.name} ({one.number})" for one in drawing.structures]


def image_at(path: Path, drawing: Drawing) -> Header:
    """The header of the image that a drawing was made on, at or below a path.

    Raises:
        FormatError: It is not there.
    """
    if not path.is_dir():
        return header(path)
    there = survey(path).series
    uids = [uid for uid in drawing.series_uids if uid in there]
    if len(uids) == 1:
        return header(path, series=uids[0])
    if drawing.series_uids:
        raise FormatError(
            f"{drawing.path} was drawn on the series {', '.join(drawing.series_uids[:2])}, which is not in {path}: "
            "name the image that it was drawn on (--image)"
        )
    return header(path)
