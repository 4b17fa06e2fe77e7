"""A data set as a folder with a folder for each class: root/benign/*.png, root/malignant/*.png, or DICOM series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset, ImageRef, Part
from hounsfield.datasets.layouts.classes import ordered
from hounsfield.datasets.layouts.parts import known_part
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError, HounsfieldError

_NO_CLASSES = frozenset({"images", "image", "img", "imgs", "masks", "mask", "labels", "annotations", "dicom", "data"})
"""Names of folders that sort files by what they are, not by what they show."""

_MANY_FOLDERS = 8
"""From here on, folders with one or two images each are taken for patients, not classes."""


@dataclass(frozen=True)
class _Found:
    part: Part | None
    label: str
    path: Path


def open_folders(root: Path) -> Dataset:
    """The data set in class folders, or in train, val and test folders that hold class folders.

    Cases are named by their path. Patients are known only from DICOM files; for pictures each counts as a patient of
    its own, so where a patient has several, a table with a patient column should be written instead.

    Raises:
        DatasetError: There are no class folders, no images in them, or the folders do not look like classes.
    """
    above = _subfolders(root)
    parts = {folder: known_part(folder.name) for folder in above}
    if above and all(parts.values()):
        found = [image for folder in above for image in _images(folder, parts[folder])]
    else:
        found = _images(root, None)
    _refuse_what_are_no_classes(root, found)
    classes = ordered(image.label for image in found)
    patients, note = _patients(found)
    cases = tuple(
        Case(
            id=image.path.relative_to(root).as_posix(),
            patient=patients.get(image.path) or image.path.relative_to(root).as_posix(),
            images={"image": ImageRef(image.path)},
            target=classes.index(image.label),
            part=image.part,
        )
        for image in found
    )
    known = bool(patients) and len(patients) == len(found)
    notes = [note] if note else []
    if len(classes) == 2:
        notes.append(f"the positive class is {classes[1]}")
    return Dataset(root.resolve().name, root, cases, classes, "folders", patients_known=known, notes=tuple(notes))


def _subfolders(folder: Path) -> list[Path]:
    names = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return sorted(names, key=lambda path: path.name)


def _images(folder: Path, part: Part | None) -> list[_Found]:
    from hounsfield import formats

    return [
        _Found(part, class_folder.name, path)
        for class_folder in _subfolders(folder)
        for path in formats.list_images(class_folder)
    ]


def _refuse_what_are_no_classes(root: Path, found: Sequence[_Found]) -> None:
    from hounsfield import formats

    expected = "expected a folder for each class (benign/, malignant/) with its images, or a TOML description"
    if not found:
        loose = sum(path.is_file() and formats.identify(path) is not None for path in root.iterdir())
        what = f"{counted(loose, 'image')} but no folders with images" if loose else "no images in folders"
        raise DatasetError(f"{root} holds {what}; {expected}")
    counts = Counter(image.label for image in found)
    strange = [
        name for name in counts if name.casefold() in _NO_CLASSES or name.casefold().endswith(("masks", "_mask"))
    ]
    if strange:
        raise DatasetError(
            f"{root}: folders called {some(strange)} do not look like classes; {expected} (docs/datasets.md shows one)"
        )
    if len(counts) >= _MANY_FOLDERS and len(found) <= 2 * len(counts):
        raise DatasetError(
            f"{root}: {len(counts)} folders with {len(found)} images in all ({some(list(counts))}) look like patients "
            f"rather than classes; {expected}"
        )


def _patients(found: Sequence[_Found]) -> tuple[Mapping[Path, str], str]:
    """Patient ids of the DICOM images by path, and a sentence about them."""
    from hounsfield import formats
    from hounsfield.progress import track

    ids: dict[Path, str] = {}
    for image in track(found, "looking for patients"):
        try:
            if image.path.is_dir() or formats.identify(image.path) == "dicom":
                ids[image.path] = formats.header(image.path).source.patient_id
        except HounsfieldError:  # whether it can be read is found out, and said, when it is read
            continue
    ids = {path: patient for path, patient in ids.items() if patient}
    if len(ids) > 1 and len(set(ids.values())) == 1:
        return {}, f"every DICOM file names the same patient, {next(iter(ids.values()))!r}; cases count as patients"
    if ids and len(ids) < len(found):
        return ids, f"{len(found) - len(ids)} of {len(found)} images name no patient; each counts as one of its own"
    return ids, "patients are those the DICOM files name" if ids else ""
