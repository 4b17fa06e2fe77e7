"""Named structures, from whichever kind of DICOM file holds them: SEG and RTSTRUCT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.errors import FormatError, GeometryError, ImageError
from hounsfield.formats.dicom_dataset import open_dataset, readable_header
from hounsfield.formats.dicom_refusals import SEGMENTATIONS, STRUCTURE_SET, is_drawing
from hounsfield.formats.dicom_rtstruct import rtstruct_drawing, rtstruct_parts
from hounsfield.formats.dicom_seg import seg_drawing, seg_parts
from hounsfield.formats.dicom_slice import read_slice
from hounsfield.formats.drawing import Drawing, Part, Placed, Structure, elsewhere, listed, require_drawn_on
from hounsfield.formats.folder import survey
from hounsfield.formats.identify import identify
from hounsfield.formats.openable import openable
from hounsfield.formats.overlay import Combination, overlay


def drawings_at(path: Path) -> tuple[Path, ...]:
    """The file itself if it is a DICOM segmentation or structure set; those among the files of a folder."""
    if path.is_dir():
        return survey(path, below=False).drawings
    if identify(path) != "dicom":
        return ()
    try:
        return (path,) if is_drawing(read_slice(path).sop_class) else ()
    except FormatError:  # whoever reads it as an image is told what is wrong with it
        return ()


def open_drawing(path: Path) -> Drawing:
    """What a DICOM segmentation or structure set says of its structures.

    Raises:
        FormatError: It is neither, or damaged.
    """
    with openable(path), readable_header(path):
        dataset = open_dataset(path, pixels=False)
        sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
        if sop_class in SEGMENTATIONS:
            return seg_drawing(dataset, path)
        if sop_class == STRUCTURE_SET:
            return rtstruct_drawing(dataset, path)
    raise FormatError(f"{path}: neither a DICOM segmentation nor a radiotherapy structure set")


def drawing_on(path: Path, image: Placed) -> Drawing:
    """The drawing in a file; in a folder the only one that was made on the image.

    Raises:
        FormatError: There is none, or several; or it is damaged.
        GeometryError: It was drawn on another image; the message names both UIDs.
    """
    found: list[Drawing] = []
    refused: list[GeometryError] = []
    for own in drawings_at(path):
        drawing = open_drawing(own)
        try:
            require_drawn_on(drawing, image)
        except GeometryError as error:
            refused.append(error)
        else:
            found.append(drawing)
    if not found and refused:
        raise refused[0]
    if len(found) != 1:
        names = ", ".join(drawing.path.name for drawing in found) or "none"
        raise FormatError(
            f"{path}: one DICOM segmentation or structure set of {image.source.path or 'the image'} is wanted, and "
            f"{len(found)} are there ({names}); name a file"
        )
    return found[0]


def parts_of(drawing: Drawing, image: Placed, structures: Sequence[Structure] | None = None) -> Iterator[Part]:
    """Structures one by one on the grid of the image that they were drawn on, in the order in which they are asked for.

    Args:
        drawing: From `open_drawing`.
        image: Or its header.
        structures: Of the drawing; None takes all, and leaves empty those of another frame of reference.

    Raises:
        FormatError: The file is damaged.
        GeometryError: It, or a structure that is asked for, was drawn on another image, or lies on another grid.
        StorageError: It does not fit into memory.
    """
    require_drawn_on(drawing, image)
    wanted = drawing.structures if structures is None else structures
    away = {one: why for one in wanted if (why := elsewhere(one, image))}
    if away and structures is not None:
        raise GeometryError(f"{drawing.path}: {next(iter(away.values()))}: give the image that it was drawn on")
    read = seg_parts if drawing.kind == "segmentation" else rtstruct_parts
    with openable(drawing.path):
        here = read(drawing.path, image, [one for one in wanted if one not in away])
        for one in wanted:
            yield next(here) if one not in away else _left_out(drawing, one, away[one], image)


def _left_out(drawing: Drawing, structure: Structure, why: str, image: Placed) -> Part:
    nowhere: BoolArray = np.zeros(image.shape, dtype=np.bool_)
    return Part(structure, nowhere, (f"{drawing.path.name}: {why}, left out",))


def structure_called(drawing: Drawing, name: str | int | None) -> Structure:
    """The one structure of a name, or of a number; where nothing is said, the only one.

    Raises:
        ImageError: There is none, or there are several; the message lists what there is.
    """
    every = drawing.structures
    if name is None:
        found, what = every, "structures"
    elif isinstance(name, int):
        found, what = tuple(one for one in every if one.number == name), f"structures of the number {name}"
    else:
        found, what = drawing.called(name), f"structures called {name}"
    if len(found) == 1:
        return found[0]
    if found:
        raise ImageError(
            f"{drawing.path} has {len(found)} {what}; say behind a colon, by name or number, which is meant: "
            f"{listed(found)}"
        )
    raise ImageError(f"{drawing.path}: there are no {what} in it; it has {listed(every)}")


def overlaid(drawing: Drawing, image: Placed) -> tuple[IntArray, list[Combination], tuple[str, ...]]:
    """All structures of a drawing laid over each other, as `overlay` does it, and what was not taken as it was drawn.

    Raises:
        FormatError, GeometryError, StorageError: As `parts_of`.
    """
    notes: list[str] = []

    def placed() -> Iterator[tuple[int, BoolArray]]:
        for place, part in enumerate(parts_of(drawing, image)):
            notes.extend(part.notes)
            yield place, part.inside

    numbers, combinations = overlay(placed(), image.shape)
    return numbers, combinations, tuple(dict.fromkeys(notes))


def smallest(values: Sequence[int]) -> IntArray:
    """Whole numbers from 0 on in as few bytes each as hold them."""
    found: IntArray = np.array(values, dtype=np.min_scalar_type(max(values)))
    return found
