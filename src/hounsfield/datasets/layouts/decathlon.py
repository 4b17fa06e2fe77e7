"""Images with a mask each: two folders beside each other, images and labels, whose files have the same names, or lie
under the same names in the folders below.

So lie the tasks of the Medical Segmentation Decathlon (imagesTr, labelsTr) and much that was made after them. Where an
image has several channels, they are volumes of its file, which dataset.json names, as in the Decathlon, or files of
their own, a_0000, a_0001 …, as nnU-Net has them.

Reference:
    Antonelli et al., "The Medical Segmentation Decathlon" (2022), doi:10.1038/s41467-022-30695-9.
"""

from __future__ import annotations

import json
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.channel_names import channels_in, stem
from hounsfield.datasets.layouts.channel_files import images_in
from hounsfield.datasets.listing import counted
from hounsfield.datasets.segmentation import EACH, require_alone
from hounsfield.errors import DatasetError

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
    described = channels_in(root / "dataset.json")
    found_images = images_in(image_names, by_name, described)
    cases = tuple(
        Case(
            id=name,
            patient=name,
            images={"image": ref},
            mask=ImageRef(by_name[name]) if name in by_name else None,
        )
        for name, ref in found_images.refs.items()
    )
    without = sum(case.mask is None for case in cases)
    bare = (f"{without} of {counted(len(cases), 'case')} without a mask file",) if without else ()
    numbers = _numbers(root / "dataset.json")
    return Dataset(
        root.resolve().name,
        root,
        cases,
        (),
        "images and masks",
        patients_known=False,
        notes=(*bare, *found_images.notes),
        modality=next(iter(described.values()), ""),
        channels=found_images.channels,
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
    own = stem(path).removesuffix("_0000")
    return own if below in (None, path) else (path.parent.relative_to(below) / own).as_posix()
