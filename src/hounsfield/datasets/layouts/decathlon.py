"""Images with a mask each: two folders beside each other, images and labels, whose files have the same names, or lie
under the same names in the folders below.

So lie the tasks of the Medical Segmentation Decathlon (imagesTr, labelsTr) and much that was made after them.

Reference:
    Antonelli et al., "The Medical Segmentation Decathlon" (2022), doi:10.1038/s41467-022-30695-9.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.listing import counted
from hounsfield.datasets.segmentation import EACH, require_alone
from hounsfield.errors import DatasetError

_SECOND = re.compile(r"_000[1-9]$")
"""At the end of an image's name: a channel beside the first."""

_MAGNETIC = re.compile(r"MR|T1|T2|FLAIR|ADC|DWI")
"""How the names begin that magnetic resonance goes by."""

_IGNORED = "ignore"
"""nnU-Net's name for voxels that nobody knows."""

_PAIRS = (("imagesTr", "labelsTr"), ("images", "labels"), ("images", "masks"))


def folders_of(root: Path) -> tuple[Path, Path] | None:
    """The folder of images and that of masks; None where a folder is not laid out like this."""
    for images, masks in _PAIRS:
        if (root / images).is_dir() and (root / masks).is_dir() and _files(root / images):
            return root / images, root / masks
    return None


def open_decathlon(root: Path) -> Dataset:
    """The data set of two folders; its cases have masks and no class.

    Raises:
        DatasetError: `root` is not laid out like this.
    """
    found = folders_of(root)
    if found is None:
        raise DatasetError(f"{root} has no folders images and labels, or imagesTr and labelsTr, with files in them")
    images, masks = found
    image_names, mask_names = _named(images, masks)
    by_name = {name: path for path, name in mask_names.items()}
    cases = tuple(
        Case(
            id=name,
            patient=name,
            images={"image": ImageRef(path)},
            mask=ImageRef(by_name[name]) if name in by_name else None,
        )
        for path, name in image_names.items()
    )
    without = sum(case.mask is None for case in cases)
    notes = (f"{without} of {counted(len(cases), 'case')} without a mask file",) if without else ()
    _require_one_channel(image_names, by_name)
    numbers = _numbers(root / "dataset.json")
    return Dataset(
        root.resolve().name,
        root,
        cases,
        (),
        "images and masks",
        patients_known=False,
        notes=notes,
        modality=_modality(root / "dataset.json"),
        numbers={name: own for name, own in numbers.items() if name != _IGNORED},
        unlabelled=numbers.get(_IGNORED, (0,))[0],
    )


def _named(images: Path, masks: Path) -> tuple[dict[Path, str], dict[Path, str]]:
    """Of each image and of each mask what the names of the two have in common: the name of the file, or where one comes
    twice, its path below the folder.

    Raises:
        DatasetError: Two files are of one name even so.
    """
    sides = [(folder, _files(folder)) for folder in (images, masks)]
    found = [{path: _name(path) for path in files} for _, files in sides]
    if all(len(set(own.values())) == len(own) for own in found):
        return found[0], found[1]
    found = [{path: _name(path, folder) for path in files} for folder, files in sides]
    for own in found:
        known: dict[str, Path] = {}
        for path, name in own.items():
            if name in known:
                raise DatasetError(
                    f"{known[name]} and {path} have the same name, so that it is not known which belongs to which mask "
                    "or image: take one of them away, or rename it with its mask or image"
                )
            known[name] = path
    return found[0], found[1]


def _require_one_channel(images: Mapping[Path, str], masks: Mapping[str, Path]) -> None:
    """Accept images of one file each.

    Raises:
        DatasetError: A case has several, as of nnU-Net's channels.
    """
    second = [
        path
        for path, name in images.items()
        if _SECOND.search(name) and name not in masks and _SECOND.sub("", name) in masks
    ]
    if second:
        raise DatasetError(
            f"{second[0]} is a second channel of its case: one image a case is looked at; keep the files that end in "
            "_0000 and put the others elsewhere"
        )


def _numbers(path: Path) -> dict[str, tuple[int, ...]]:
    """What dataset.json calls the numbers on masks, in either of the two ways that are in use; nothing without it.

    Raises:
        DatasetError: It cannot be read, or its labels are no names and numbers.
    """
    if not path.is_file():
        return {}
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
        pairs = [(own, name) if str(name).isdigit() else (name, own) for name, own in labels.items()]
        found: dict[str, tuple[int, ...]] = {}
        for name, own in pairs:
            found[str(name)] = (*found.get(str(name), ()), *_as_numbers(str(name), own))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'{path} does not say what the numbers on masks are called ({error}): expected "labels" with a name for '
            f'each number, as in the Medical Segmentation Decathlon, or "{EACH}" where each number is one object of a '
            "single name; or take the file away"
        ) from error
    numbers = {name: own for name, own in found.items() if own != (0,)}
    try:
        require_alone({name: own for name, own in numbers.items() if name != _IGNORED})
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    return numbers


def _modality(path: Path) -> str:
    """DICOM code of what the images are, as dataset.json says of the first channel in either of the two ways that are
    in use; "" where it says nothing that is known. NIfTI files do not say it themselves."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        said = str((facts.get("channel_names") or facts["modality"])["0"]).strip().upper()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "CT" if said == "CT" else "MR" if _MAGNETIC.match(said) else ""


def _as_numbers(name: str, own: object) -> tuple[int, ...]:
    if own == EACH and name != _IGNORED:
        return ()
    if own == []:
        raise ValueError(f"{name!r} has no number")
    return tuple(int(one) for one in own) if isinstance(own, list) else (int(str(own)),)


def _files(folder: Path) -> list[Path]:
    from hounsfield import formats

    return [path for path in formats.list_images(folder) if not path.name.startswith(".")]


def _name(path: Path, below: Path | None = None) -> str:
    """What the file of an image and that of its mask have in common, with the folders it lies in `below` another."""
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0].removesuffix("_0000")
    return stem if below in (None, path) else (path.parent.relative_to(below) / stem).as_posix()
