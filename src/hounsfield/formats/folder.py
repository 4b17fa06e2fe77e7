"""What images a folder holds: DICOM slices by series, and files of other formats."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hounsfield.errors import FormatError
from hounsfield.formats.dicom_refusals import is_drawing, is_localizer, refusal
from hounsfield.formats.dicom_slice import Slice, read_slice
from hounsfield.formats.identify import identify_bytes
from hounsfield.formats.natural import natural_key

_HEAD_BYTES = 1 << 14
"""Enough to know the format, and for most DICOM headers."""
_LISTED = 12
"""Messages list this many series or files, then count the rest."""


@dataclass(frozen=True)
class Contents:
    """What was found in a folder."""

    series: dict[str, tuple[Slice, ...]]
    """DICOM images by series UID; localizers only where there is nothing else."""
    others: tuple[Path, ...]
    """Image files that are not DICOM, in natural order."""
    refused: tuple[str, ...]
    """DICOM files without an image, a sentence each."""
    drawings: tuple[Path, ...]
    """Those of them that are segmentations and structure sets, drawn on images."""
    files: int
    """How many files there are in all."""


def survey(folder: Path, *, below: bool = True) -> Contents:
    """What the folder holds, told from the files' contents.

    Args:
        folder: An existing folder.
        below: Whether the folders in it are looked into as well.
    """
    slices: list[Slice] = []
    others: list[Path] = []
    refused: list[str] = []
    drawings: list[Path] = []
    files = 0
    for path in _files(folder, below=below):
        files += 1
        try:
            with open(path, "rb", buffering=0) as stream:
                head = stream.read(_HEAD_BYTES)
        except OSError:
            others.append(path)  # whoever reads it is told why it cannot be
            continue
        kind = identify_bytes(head)
        if kind == "dicom":
            _sort_in(path, head, slices, refused, drawings)
        elif kind is not None:
            others.append(path)
    series = _by_series(slices)
    return Contents(series, tuple(sorted(others, key=natural_key)), tuple(refused), tuple(drawings), files)


def _sort_in(path: Path, head: bytes, slices: list[Slice], refused: list[str], drawings: list[Path]) -> None:
    try:
        one = read_slice(path, head)
    except FormatError as error:
        refused.append(str(error))
        return
    if is_drawing(one.sop_class):
        drawings.append(path)
    reason = refusal(one.sop_class) or ("" if one.has_pixels else "has no image")
    if reason:
        refused.append(f"{path}: {reason}")
    else:
        slices.append(one)


def _by_series(slices: list[Slice]) -> dict[str, tuple[Slice, ...]]:
    kept = [one for one in slices if not is_localizer(one.image_type)] or slices
    series: dict[str, list[Slice]] = {}
    for one in kept:
        series.setdefault(one.series_uid, []).append(one)
    return {uid: tuple(members) for uid, members in series.items()}


def _files(folder: Path, *, below: bool) -> Iterator[Path]:
    """Regular files; hidden ones are left out."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_file():
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
    for path in folders if below else ():
        yield from _files(Path(path), below=True)


def choose(contents: Contents, folder: Path, series: str | None) -> tuple[Slice, ...] | Path:
    """The one series or file that the folder means.

    Args:
        contents: From `survey`.
        folder: For messages.
        series: UID of the wanted series, or its beginning; None when the folder should hold one only.

    Raises:
        FormatError: Nothing there, or several and none was chosen; the message lists them.
    """
    if series is not None:
        return _named(contents, folder, series)
    # Slices outweigh what lies beside them: a mask, a screenshot, a page with the dose.
    stacks = [group for group in contents.series.values() if len(group) > 1 and all(one.stackable for one in group)]
    if len(stacks) == 1 and all(group is stacks[0] or len(group) == 1 for group in contents.series.values()):
        return stacks[0]
    if len(contents.series) == 1 and not contents.others:
        return next(iter(contents.series.values()))
    if not contents.series and len(contents.others) == 1:
        return contents.others[0]
    if not contents.series and not contents.others:
        raise FormatError(_nothing(contents, folder))
    if not contents.series:
        names = [path.name for path in contents.others]
        raise FormatError(f"{folder}: holds {len(names)} images ({_list(names)}), not one; name a file")
    raise FormatError(
        f"{folder}: holds {len(contents.series)} DICOM series"
        + (f" and {len(contents.others)} other images" if contents.others else "")
        + f", not one: {listing(contents)}; choose one by the beginning of its UID (--series), or give its own folder"
    )


def listing(contents: Contents) -> str:
    """The series in a line: modality, number and description, how many images, UID."""
    lines = []
    for uid, members in contents.series.items():
        first = members[0]
        words = " ".join(filter(None, (first.modality, first.series_name)))
        images = "1 image" if len(members) == 1 else f"{len(members)} images"
        lines.append(f"{words or 'unnamed'} ({images}, UID {uid or 'missing'})")
    return _list(lines)


def _named(contents: Contents, folder: Path, series: str) -> tuple[Slice, ...]:
    exact = [members for uid, members in contents.series.items() if uid == series]
    found = exact or [members for uid, members in contents.series.items() if uid.startswith(series)]
    if len(found) == 1:
        return found[0]
    problem = "no series" if not found else f"{len(found)} series"
    raise FormatError(f"{folder}: {problem} whose UID begins with {series}; there are: {listing(contents)}")


def _nothing(contents: Contents, folder: Path) -> str:
    if contents.files == 0:
        return f"{folder}: the folder is empty; give one that holds an image"
    if contents.refused:
        more = len(contents.refused) - 1
        return contents.refused[0] + (f" (and {more} more files of the folder are not images either)" if more else "")
    return f"{folder}: none of its {contents.files} files is an image of a known format"


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def list_images(path: Path | str) -> list[Path]:
    """The images at or below a path, in natural order: files, and folders that are read as one DICOM series.

    A folder is one image when its DICOM slices with a place in the patient are two or more; should they be of several
    series, reading it says so. All other images (films, cines, PNGs …) are listed file by file. DICOM files without an
    image are left out.

    Raises:
        FormatError: The path does not exist.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FormatError(f"{path}: no such file or folder")
    found: list[Path] = []
    for root, folders, _ in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(_images_in(Path(root)))
    return sorted(found, key=natural_key)


def _images_in(folder: Path) -> list[Path]:
    contents = survey(folder, below=False)
    members = [one for group in contents.series.values() for one in group]
    stacked = [one for one in members if one.stackable and len(contents.series[one.series_uid]) > 1]
    single = [one.path for one in members if one not in stacked]
    return [*contents.others, *single, *([folder] if stacked else [])]
