"""`read_outline`: what a file outlines, on the grid of the image that it was drawn on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray
from hounsfield.errors import FormatError, GeometryError, ImageError
from hounsfield.formats.drawing import Drawing, Structure
from hounsfield.formats.drawn_by import says_so, unconfirmed
from hounsfield.formats.frame_place import OFF_GRID
from hounsfield.formats.header import Header
from hounsfield.formats.read import read
from hounsfield.formats.structures import drawing_on, drawings_at, parts_of, structure_called
from hounsfield.image import Image

_THRESHOLD = re.compile(r"(above|below)=(.*)")
"""Instead of a label: the levels of an image that are inside."""

_LEAST_MM3, _LEAST_MM2 = 100.0, 10.0
"""Of such a structure, parts that are smaller are noise."""

JOINED = "+"
"""Between labels that are taken together."""

_MOST_NAMED = 20


def read_outline(path: Path, image: Image, *, label: int | str | None = None) -> tuple[BoolArray, tuple[str, ...]]:
    """What is inside, (depth, height, width), on the image's grid, and notes: what was not taken as it was drawn, and
    that no person drew it where the file says so.

    Args:
        path: File or folder of whole-numbered labels; or a DICOM segmentation or structure set, or a folder in which
            one was drawn on the image.
        image: That it was drawn on.
        label: The label that is meant, of named structures also by its name; several with a plus between them are
            joined. None takes all that are not 0, or the only structure. "above=200" takes the levels of an image above
            200, as bone in CT, and "below=-900" those below; parts of less than .1 ml are noise, and left out.

    Raises:
        FormatError: The file cannot be read, is a colour image, or holds no whole numbers.
        GeometryError: It lies on another grid than the image, or was drawn on another image.
        ImageError: The label is not in it, or not the only one of its name; the message lists those that are.
    """
    if isinstance(label, str) and (threshold := _THRESHOLD.fullmatch(label)):
        return _by_level(path, image, threshold[1], threshold[2])
    if drawings_at(path):
        drawing = drawing_on(path, image)
        parts = list(parts_of(drawing, image, _structures(drawing, label)))
        notes = dict.fromkeys(note for part in parts for note in part.notes)
        drawn = [part.structure.name for part in parts if part.structure.automatic]
        own = (unconfirmed(drawing.path, "outlined by a program, as the file says", drawn),) if drawn else ()
        return _joined([part.inside for part in parts]), (*notes, *own)
    return _labelled(path, image, label)


def _structures(drawing: Drawing, label: int | str | None) -> list[Structure]:
    """Those that a label means; a name may have a plus in it."""
    if isinstance(label, str) and JOINED in label and not drawing.called(label):
        return [structure_called(drawing, part) for part in _joined_labels(label, drawing.path)]
    return [structure_called(drawing, label)]


def _joined_labels(label: str, path: Path) -> list[int | str]:
    """Of a label with a plus between them, or of one.

    Raises:
        ImageError: One is empty.
    """
    parts = [named(part) for part in label.split(JOINED)]
    if "" in parts:
        raise ImageError(f"{path}: {label}: beside the plus a label is missing; give one on both sides, as 1+2")
    return parts


def named(label: str) -> int | str:
    """A number where it is one, else a name."""
    word = label.strip()
    return int(word) if word.isdecimal() else word


def _labelled(path: Path, image: Image, label: int | str | None) -> tuple[BoolArray, tuple[str, ...]]:
    drawn = read(path)
    require_same_grid(drawn, path, image)
    if drawn.channels != 1:
        raise FormatError(f"{path}: a colour image of {drawn.channels} channels, not a mask; give one with labels")
    labels = drawn.voxels[0]
    if not np.issubdtype(labels.dtype, np.integer) and not np.array_equal(labels, np.rint(labels)):
        raise FormatError(f"{path}: its values are not whole numbers, so it is no mask; give one with labels")
    said = drawn.source.description
    notes = (unconfirmed(path, said),) if says_so(said) else ()
    if label is None:
        inside: BoolArray = labels != 0
        return inside, notes
    wanted = [label] if isinstance(label, int) else _joined_labels(label, path)
    parts = [labels == one if isinstance(one, int) else np.zeros(labels.shape, dtype=np.bool_) for one in wanted]
    for one, part in zip(wanted, parts, strict=True):
        if not part.any():
            there = np.unique(labels)
            more = " …" if len(there) > _MOST_NAMED else ""
            listed = ", ".join(f"{value:g}" for value in there[:_MOST_NAMED]) + more
            raise ImageError(f"{path}: there is no label {one} in it; its labels are {listed}")
    return _joined(parts), notes


def _by_level(path: Path, image: Image, side: str, words: str) -> tuple[BoolArray, tuple[str, ...]]:
    """What is above or below a level, without small parts, and a note that says so."""
    from scipy import ndimage

    try:
        level = float(words)
    except ValueError:
        raise ImageError(f"{path}: {side}={words}: a level is a number, for instance {side}=200") from None
    levels = image if path == image.source.path else read(path)  # of several series the one that is measured on
    require_same_grid(levels, path, image)
    if levels.channels != 1:
        raise FormatError(f"{path}: a colour image of {levels.channels} channels has no single level; give a grey one")
    own = levels.voxels[0]
    parts, _ = ndimage.label(own > level if side == "above" else own < level, np.ones((3, 3, 3)))
    spacing = geometry.spacing_mm(image.affine)
    small, unit = (_LEAST_MM2, "mm²") if image.planar else (_LEAST_MM3 / 1000, "ml")
    size = float(np.prod(spacing[1:])) if image.planar else float(np.prod(spacing)) / 1000
    kept = np.bincount(parts.reshape(-1)) * size >= small
    kept[0] = False
    inside: BoolArray = kept[parts]
    if not inside.any():
        low, high = float(own.min()), float(own.max())
        raise ImageError(
            f"{path}: nothing of {small:g} {unit} or more is {side} {level:g}; its levels go from {low:g} to {high:g}"
        )
    return inside, (f"{path.name}: what is {side} {level:g} was taken, without parts of less than {small:g} {unit}",)


def _joined(parts: Sequence[BoolArray]) -> BoolArray:
    joined: BoolArray = np.logical_or.reduce(parts)
    return joined


def require_same_grid(drawn: Image, path: Path, image: Image | Header) -> None:
    """Accept a mask on the image's grid: voxel for voxel in the same place.

    Where one of the two does not know its place in the patient, as a PNG does not, the number of voxels decides.

    Raises:
        GeometryError: Another grid; the message names both files.
    """
    name = image.source.path or "the image"
    if drawn.shape != image.shape:
        raise GeometryError(
            f"{path} has {times(drawn.shape)} voxels (depth × height × width) and {name} has {times(image.shape)}: "
            "they are not on one grid; resample the mask onto the image's grid, taking the nearest voxel"
        )
    if "none" in (drawn.spacing_kind, image.spacing_kind):
        return
    worst = corners_apart_mm(drawn, image)
    if worst > OFF_GRID * min(geometry.spacing_mm(image.affine)):
        raise GeometryError(
            f"{path} and {name} are not on one grid: their corners lie up to {worst:.2f} mm apart in the patient; "
            "resample the mask onto the image's grid, taking the nearest voxel"
        )


def corners_apart_mm(first: Image | Header, second: Image | Header) -> float:
    """How far the corners of two grids of one shape lie apart, at most."""
    corners = geometry.lattice(second.shape, most=2)
    apart = geometry.world_from_index(first.affine, corners) - geometry.world_from_index(second.affine, corners)
    return float(np.linalg.norm(apart, axis=1).max())


def times(lengths: Sequence[object]) -> str:
    """Lengths along each axis, for messages."""
    return " × ".join(map(str, lengths))
