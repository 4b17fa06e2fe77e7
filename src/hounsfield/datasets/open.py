"""`open_dataset`: the data set at a path, whichever way it lies there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hounsfield.datasets.case import Dataset
from hounsfield.errors import DatasetError

_TABLES = frozenset([".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet"])


def open_dataset(path: Path | str, *, root: Path | str | None = None, above: tuple[Path, ...] = ()) -> Dataset:
    """The data set at a path: a TOML description, an npz file of MedMNIST's form, or a folder.

    A folder is opened by the description in it if there is exactly one, by the npz files in it if it has no folders, as
    images and masks if it has a folder of each, as DICOM studies if structures were drawn on series in it and its
    folders are no classes, and otherwise by its class folders.

    Args:
        path: File or folder.
        root: For a description, where its data lie: a folder, or for npz data also the file itself. By default the
            description's own `root`, relative to it, else the folder it lies in.
        above: The descriptions whose `also` led here.

    Raises:
        DatasetError: There is nothing at the path, or what is there cannot be understood; the message says what was
            found, what was expected and what to do.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(f"there is no data set at {path}: no such file or folder")
    if path.suffix.casefold() == ".toml":
        return _described(path, None if root is None else Path(root), above)
    if root is not None:
        raise DatasetError(f"root (--root) moves the data of a description; {path} is none: give the data's own path")
    if path.is_dir():
        return _folder(path)
    if path.suffix.casefold() == ".npz":
        from hounsfield.datasets.layouts.medmnist import open_medmnist

        return open_medmnist([path])
    if path.suffix.casefold() in _TABLES:
        raise DatasetError(
            f"{path} is a table; write a description beside it that says which columns hold image, patient and class, "
            "and give that (docs/datasets.md shows one)"
        )
    raise DatasetError(f"{path} is no data set; expected a folder of class folders, an npz file or a TOML description")


def _folder(folder: Path) -> Dataset:
    from hounsfield.datasets.description import is_description
    from hounsfield.datasets.layouts.decathlon import folders_of, open_decathlon
    from hounsfield.datasets.layouts.folders import open_folders
    from hounsfield.datasets.layouts.medmnist import open_medmnist
    from hounsfield.datasets.layouts.studies import open_studies, studies_in

    descriptions = [path for path in sorted(folder.glob("*.toml")) if is_description(path)]
    if len(descriptions) == 1:
        return _described(descriptions[0], None, ())
    archives = sorted(folder.glob("*.npz"))
    if archives and not any(entry.is_dir() for entry in folder.iterdir()):
        return open_medmnist(archives)
    if folders_of(folder):
        return open_decathlon(folder)
    studies = studies_in(folder)
    return open_folders(folder) if studies is None else open_studies(folder, studies)


def _described(path: Path, root: Path | None, above: tuple[Path, ...]) -> Dataset:
    from hounsfield.datasets.description import DicomDescription, NpzDescription, read_description
    from hounsfield.datasets.layouts.medmnist import open_medmnist
    from hounsfield.datasets.layouts.studies import open_studies
    from hounsfield.datasets.layouts.table import open_table

    description = read_description(path)
    if root is None:
        root = path.parent / (description.root or ".")
    if not root.exists():
        raise DatasetError(f"{path}: the data should be at {root}, where nothing is; give the place with root (--root)")
    name = description.name or path.stem
    if isinstance(description, NpzDescription):
        dataset = open_medmnist(
            _archives(description.npz, root),
            name=name,
            names=description.classes.names,
            positive=description.classes.positive,
        )
        return replace(dataset, modality=description.modality)
    if isinstance(description, DicomDescription):
        labels = {label: (own,) if isinstance(own, str) else own for label, own in description.labels.items()}
        folder = root / description.dicom
        if not folder.is_dir():
            raise DatasetError(
                f"{path}: its DICOM studies should be in {folder}, where no folder is; correct the dicom key, or give "
                "the place with root (--root)"
            )
        return open_studies(folder, name=name, labels=labels)
    dataset = open_table(description, root, name=name)
    if not description.also:
        return dataset
    from hounsfield.datasets.joined import joined

    here = (*above, path.resolve())
    if circle := [other for other in description.also if (path.parent / other).resolve() in here]:
        raise DatasetError(f"{path}: also names {circle[0]}, which leads here itself: take it out of one of the two")
    return joined(dataset, [open_dataset(path.parent / other, above=here) for other in description.also])


def _archives(pattern: str, root: Path) -> list[Path]:
    """The files that a name or a pattern finds under `root`, or `root` itself when it is a file."""
    for file in (root, root / pattern):
        if file.is_file():
            return [file]
    archives = sorted(root.glob(pattern))
    if not archives:
        raise DatasetError(f"no file {pattern} in {root}; check the npz key of the description, or the root (--root)")
    return archives
