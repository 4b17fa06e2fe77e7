"""A DICOM segmentation or structure set written as NIfTI of numbers, with the names of the numbers beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hounsfield.atomic import write_text
from hounsfield.errors import FormatError, UsageError
from hounsfield.formats.dicom_slice import Slice
from hounsfield.formats.drawing import Drawing
from hounsfield.formats.drawn_by import BY_PROGRAM
from hounsfield.formats.folder import survey
from hounsfield.formats.header import Header
from hounsfield.formats.overlay import numbers_of
from hounsfield.formats.read import header
from hounsfield.formats.structures import overlaid, smallest
from hounsfield.formats.write import write_nifti
from hounsfield.image import Image

_KEYS = {"labels", "codes"}
"""Of a file of names."""
_LISTED = 12
"""Messages list this many series, then count the rest."""


def write_labels(drawing: Drawing, image: Header, path: Path) -> tuple[str, ...]:
    """Write a number for every voxel of the image, and NAME.json beside NAME.nii.gz.

    Structures count from 1 in the order of the file, then each combination of structures that overlap somewhere. The
    JSON file says which numbers a structure has, as nnU-Net's dataset.json does: `{"labels": {"Liver": [1, 3], …}}`.

    Returns:
        What was not taken as it was drawn.

    Raises:
        FormatError, GeometryError, StorageError: As `parts_of`, and where the disk refuses.
        UsageError: A JSON file of another form is there already.
    """
    _require_own(names_file(path))
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
    labelled = Image(voxels[np.newaxis], image.affine, spacing_kind=image.spacing_kind, source=image.source)
    description = BY_PROGRAM if any(one.automatic for one in drawing.structures) else ""
    write_nifti(labelled, path, description=description)
    write_text(names_file(path), json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return notes


def names_file(path: Path) -> Path:
    """Where the names of the numbers in a NIfTI file stand."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def _require_own(path: Path) -> None:
    """Accept a place for the names where nothing is, or what an earlier conversion wrote.

    Raises:
        UsageError: It is another file, such as the dataset.json of a task.
    """
    if not path.exists():
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.keys() != _KEYS:
        raise UsageError(
            f"{path} is there already and holds something else than the names of numbers that would be written there; "
            "it was left as it was: give -o another name"
        )


def _names(drawing: Drawing) -> list[str]:
    """Of each structure; those of one name have their number behind it."""
    names = [one.name for one in drawing.structures]
    return [one.name if names.count(one.name) == 1 else f"{one.name} ({one.number})" for one in drawing.structures]


def image_at(path: Path, drawing: Drawing, *, series: str | None = None) -> Header:
    """The header of the image that a drawing was made on, at or below a path.

    Args:
        path: A file or folder.
        drawing: That is wanted on it.
        series: UID of the one that is meant, or its beginning, where it was drawn on several.

    Raises:
        FormatError: It is not there, or several are.
    """
    if not path.is_dir():
        return header(path)
    there = survey(path).series
    uids = [uid for uid in drawing.series_uids if uid in there and uid.startswith(series or "")]
    if len(uids) == 1:
        return header(path, series=uids[0])
    if uids:
        places = [f"{_place(there[uid])} (UID {uid})" for uid in uids[:_LISTED]]
        more = f" and {len(uids) - _LISTED} more" if len(uids) > _LISTED else ""
        raise FormatError(
            f"{drawing.path} was drawn on {len(uids)} series that are in {path}: {', '.join(places)}{more}; name the "
            "one that is meant, by its place (--image) or the beginning of its UID (--series)"
        )
    if drawing.series_uids:
        raise FormatError(
            f"{drawing.path} was drawn on the series {', '.join(drawing.series_uids[:2])}, which is not in {path}: "
            "name the image that it was drawn on (--image)"
        )
    return header(path)


def _place(members: Sequence[Slice]) -> Path:
    """The file of a series, or its folder."""
    return members[0].path if len(members) == 1 else members[0].path.parent
