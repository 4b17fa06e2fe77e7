"""`Drawing`: a DICOM file of named structures that somebody drew on an image, and `Part`: one of them on its grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hounsfield.arrays import BoolArray
from hounsfield.errors import GeometryError
from hounsfield.formats.header import Header
from hounsfield.image import Image

Placed = Image | Header
"""An image, or all of it but the voxels: what is drawn is put on its grid."""

_LISTED = 12


@dataclass(frozen=True)
class Structure:
    """One of the things that were drawn."""

    number: int
    """SegmentNumber (PS3.3 C.8.20.4) or ROINumber (C.8.8.5): of the file alone, other files give others."""
    name: str
    code: str = ""
    """Coding scheme and value of what it is, such as "SCT 10200004" (PS3.3 8); empty where the file does not say."""
    frame_of_reference_uid: str = ""
    """Whose millimetres it counts, where structures of a file may differ in that; empty where it does not say."""
    automatic: bool = False
    """Whether the file says that a program drew it, without a person."""


@dataclass(frozen=True)
class Drawing:
    """What the header of a file says."""

    path: Path
    kind: Literal["segmentation", "structure set"]
    structures: tuple[Structure, ...]
    series_uids: tuple[str, ...]
    """The series that it was drawn on; none where the file does not say."""
    frame_of_reference_uids: tuple[str, ...]
    """Whose millimetres it counts; none where the file does not say."""

    def called(self, name: str) -> tuple[Structure, ...]:
        """The structures of a name, whatever its case and blanks."""
        return tuple(one for one in self.structures if plain(one.name) == plain(name))


@dataclass(frozen=True, eq=False)
class Part:
    """A structure on the grid of an image."""

    structure: Structure
    inside: BoolArray
    """(depth, height, width)."""
    notes: tuple[str, ...] = ()
    """What was not taken as it was drawn, a sentence each."""
    cut: bool = False
    """Whether some of it lies outside of the image."""


def plain(name: str) -> str:
    """A name as names are compared: two clinics write one organ with other capitals and blanks."""
    return " ".join(name.split()).casefold()


def listed(structures: Sequence[Structure]) -> str:
    """The names with their numbers, for messages."""
    shown = ", ".join(f"{one.name} ({one.number})" for one in structures[:_LISTED])
    more = len(structures) - _LISTED
    return (shown or "none") + (f" and {more} more" if more > 0 else "")


def require_drawn_on(drawing: Drawing, image: Placed) -> None:
    """Accept the image that a drawing was made on, as far as both say which that is.

    Raises:
        GeometryError: It was drawn on another series, or counts the millimetres of another frame of reference; the
            message names both UIDs.
    """
    source = image.source
    for what, own, theirs in (
        ("series", source.series_uid, drawing.series_uids),
        ("frame of reference", source.frame_of_reference_uid, drawing.frame_of_reference_uids),
    ):
        if own and theirs and own not in theirs:
            raise GeometryError(
                f"{drawing.path} was drawn on the {what} {', '.join(theirs[:2])}, and {source.path or 'the image'} is "
                f"of the {what} {own}: give the image that it was drawn on"
            )


def elsewhere(structure: Structure, image: Placed) -> str:
    """Why a structure cannot be put on an image: it counts other millimetres; empty where it can."""
    own, wanted = structure.frame_of_reference_uid, image.source.frame_of_reference_uid
    if not own or not wanted or own == wanted:
        return ""
    return (
        f"{structure.name} was drawn in the frame of reference {own}, and {image.source.path or 'the image'} is of the "
        f"frame of reference {wanted}"
    )


def require_place(path: Path, image: Placed) -> None:
    """Accept an image that says where it lies in the patient, for what was drawn there.

    Raises:
        GeometryError: It does not.
    """
    if image.spacing_kind != "patient":
        raise GeometryError(
            f"{path} says where in the patient it was drawn, and {image.source.path or 'the image'} does not say where "
            "it lies: give the image as it came from the scanner"
        )


def known(uids: Iterable[str]) -> tuple[str, ...]:
    """Each UID once, without empty ones."""
    return tuple(dict.fromkeys(filter(None, uids)))


def code_of(sequence: Any) -> str:
    """Coding scheme and value of the first item of a code sequence; empty without one."""
    for item in sequence or ():
        return f"{item.get('CodingSchemeDesignator') or ''} {item.get('CodeValue') or ''}".strip()
    return ""
