"""Data sets in MedMNIST's form: npz files with {train,val,test}_images and {train,val,test}_labels.

Yang et al., "MedMNIST v2", Scientific Data 10:41 (2023), doi:10.1038/s41597-022-01721-8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hounsfield.arrays import IntArray
from hounsfield.datasets.case import Case, Dataset, ImageRef, Part
from hounsfield.datasets.layouts.classes import with_positive_last
from hounsfield.datasets.npz import array_headers, read_array
from hounsfield.errors import DatasetError

_PARTS: tuple[Part, ...] = ("train", "val", "test")

_PUBLISHED_CLASSES: Mapping[str, tuple[tuple[str, str], str]] = {
    "breastmnist": (("malignant", "normal or benign"), "malignant"),
    "pneumoniamnist": (("normal", "pneumonia"), "pneumonia"),
    "nodulemnist3d": (("benign", "malignant"), "malignant"),
    "adrenalmnist3d": (("normal", "hyperplasia"), "hyperplasia"),
    "vesselmnist3d": (("vessel", "aneurysm"), "aneurysm"),
}
"""Of the two-class sets, what labels 0 and 1 mean, and which is the positive one (MedMNIST v2, Table 2). Without it
BreastMNIST's sensitivity would be that for finding nothing, since its 0 is malignant."""


@dataclass(frozen=True)
class _PartFile:
    """Where a part's arrays lie."""

    part: Part
    path: Path
    labels: IntArray
    """(n,)"""


def open_medmnist(
    paths: Sequence[Path], *, name: str = "", names: tuple[str, ...] | None = None, positive: str | None = None
) -> Dataset:
    """The data set in one or more npz files that together hold each part once; the images are not read.

    Args:
        paths: npz files, at least one.
        name: Of the data set; by default the file's, without its parts.
        names: Of the labels 0, 1, 2 …; by default the published ones of well-known sets, else the numbers.
        positive: The class to put last.

    Raises:
        DatasetError: A file is damaged, holds Python objects, lacks images or labels, or they do not fit together.
    """
    found: dict[Part, _PartFile] = {}
    for path in paths:
        for part_file in _parts(path):
            if part_file.part in found:
                other = found[part_file.part].path
                raise DatasetError(f"{other} and {path} both hold {part_file.part}_images; name one of them")
            found[part_file.part] = part_file
    parts = [found[part] for part in _PARTS if part in found]
    name = name or _stem(paths[0])
    names, positive, notes = _names(name, parts, names, positive)
    classes = with_positive_last(names, positive)
    targets = [classes.index(label) for label in names]
    cases = [
        Case(
            id=(case_id := f"{part.part}-{index:05d}"),
            patient=case_id,
            images={"image": ImageRef(part.path, array=f"{part.part}_images", index=index)},
            target=targets[label],
            part=part.part,
        )
        for part in parts
        for index, label in enumerate(part.labels.tolist())
    ]
    root = paths[0].parent
    return Dataset(name, root, tuple(cases), classes, "medmnist", patients_known=False, notes=notes)


def _parts(path: Path) -> list[_PartFile]:
    """The parts in a file, their labels read, their images only looked at from outside."""
    arrays = array_headers(path)
    parts: list[_PartFile] = []
    for part in _PARTS:
        images = arrays.get(f"{part}_images")
        if images is None:
            continue
        if f"{part}_labels" not in arrays:
            raise DatasetError(f"{path} has {part}_images but no {part}_labels; it holds {', '.join(sorted(arrays))}")
        if len(images.shape) not in (3, 4) or 0 in images.shape[1:] or images.dtype.kind not in "uif":
            raise DatasetError(
                f"{path}: {part}_images is {images.dtype} of shape {images.shape}; expected numbers of shape "
                "(n, height, width), (n, height, width, 3) or (n, depth, height, width)"
            )
        labels = _labels(path, part)
        if len(labels) != images.shape[0]:
            raise DatasetError(f"{path}: {images.shape[0]} {part}_images but {len(labels)} {part}_labels")
        if len(labels):
            parts.append(_PartFile(part, path, labels))
    if not parts:
        raise DatasetError(
            f"{path} holds {', '.join(sorted(arrays)) or 'no arrays'}; expected MedMNIST's names: train_images and "
            "train_labels, val_images …, test_images …"
        )
    return parts


def _labels(path: Path, part: Part) -> IntArray:
    labels = read_array(path, f"{part}_labels")
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise DatasetError(f"{path}: {part}_labels has {labels.shape[1]} labels an image; only one an image is known")
    if labels.ndim not in (1, 2) or labels.dtype.kind not in "uif":
        raise DatasetError(f"{path}: {part}_labels is {labels.dtype} of shape {labels.shape}; expected numbers (n, 1)")
    if labels.size and (not np.all(labels == np.floor(labels)) or labels.min() < 0):
        raise DatasetError(f"{path}: {part}_labels should be whole numbers from 0 on")
    return labels.reshape(len(labels)).astype(np.int64)


def _names(
    name: str, parts: Sequence[_PartFile], names: tuple[str, ...] | None, positive: str | None
) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """Names of the labels 0 … highest, the positive one, and what to tell the user."""
    highest = max(int(part.labels.max()) for part in parts)
    notes: tuple[str, ...] = ()
    if names is None:
        family = name.split("_")[0].casefold()
        if family in _PUBLISHED_CLASSES and highest <= 1:
            names, published = _PUBLISHED_CLASSES[family]
            positive = positive or published
            notes = (f"labels are named as MedMNIST does: 0 is {names[0]}, 1 is {names[1]}; positive is {positive}",)
        else:
            names = tuple(str(label) for label in range(max(highest, 1) + 1))
    if highest >= len(names):
        raise DatasetError(
            f"{parts[0].path}: a label is {highest}, but [class] names has {len(names)} names, from 0 on"
        )
    if len(set(names)) < len(names):
        raise DatasetError(f"[class] names has a name twice: {', '.join(names)}")
    return names, positive, notes


def _stem(path: Path) -> str:
    stem = path.stem
    for ending in ("_train_val", "_train", "_val", "_test"):
        stem = stem.removesuffix(ending)
    return stem
