"""Masks whose numbers are objects: how data say so, and what is said of odd ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import IntArray
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.segmentation import for_segmentation, size_of_nearly_all
from hounsfield.errors import DatasetError

TABLE = """\
table = "cells.csv"
image = "images/{name}.png"
id = "name"
[columns]
mask = "labels/{name}.png"
[labels]
"""


@pytest.fixture
def folder(tmp_path: Path, cells: Callable[..., Path]) -> Path:
    folder = cells(tmp_path / "cells", count=4)
    rows = "\n".join(path.stem for path in sorted((folder / "images").iterdir()))
    (folder / "cells.csv").write_text(f"name\n{rows}\n", encoding="utf-8")
    return folder


def described(folder: Path, labels: str) -> Dataset:
    (folder / "cells.toml").write_text(TABLE + labels, encoding="utf-8")
    return open_dataset(folder / "cells.toml")


def with_mask(folder: Path, mask: IntArray) -> Dataset:
    """The data with another first mask."""
    cv2.imwrite(str(folder / "labels" / "00.png"), mask.astype(np.uint16))
    return for_segmentation(open_dataset(folder))


def test_a_description_and_a_dataset_json_say_that_each_number_is_one_object(folder: Path) -> None:
    for dataset in (open_dataset(folder), described(folder, 'cell = "each"')):
        found = for_segmentation(dataset)
        assert dict(found.labels) == {"cell": ()}
        assert len(found.cases) == 4
        assert not found.notes


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ('cell = "each"\nother = 2', "every number on a mask is one cell: none is left for other"),
        ('cell = "each"\nother = "each"', "none is left for other"),
        ('cell = "Each"', "labels: cell = 'Each': give the number"),
        ("cell = []", "of a region that holds others several"),
        ("cell = true", "cell = True: give the number"),
        ("cell = [1, 0]", "give the number that it has on masks"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_description(folder: Path, labels: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        described(folder, labels)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"cell": "each", "other": 1}, "none is left for other"),
        ({"cell": "all"}, "a single name"),
        ({"cell": []}, "'cell' has no number"),
        ({"cell": 1, "ignore": "each"}, "does not say what the numbers on masks are called"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_dataset_json(folder: Path, labels: dict[str, object], words: str) -> None:
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")
    with pytest.raises(DatasetError, match=words):
        open_dataset(folder)


def test_numbers_that_nobody_knows_stand_beside_objects(folder: Path) -> None:
    (folder / "dataset.json").write_text(json.dumps({"labels": {"cell": "each", "ignore": 9}}), encoding="utf-8")
    found = for_segmentation(open_dataset(folder))
    assert (dict(found.labels), found.unlabelled) == ({"cell": ()}, 9)


def test_images_without_an_object_stay(folder: Path) -> None:
    found = with_mask(folder, np.zeros((48, 64), dtype=np.int32))
    assert len(found.cases) == 4


def test_numbers_may_have_gaps_and_go_up_to_16_bits(folder: Path) -> None:
    mask = np.zeros((48, 64), dtype=np.int32)
    mask[5:10, 5:10], mask[20:30, 20:30] = 3, 65_535
    assert not with_mask(folder, mask).notes


def test_more_objects_than_there_may_be_labels_are_no_grey_levels(folder: Path) -> None:
    mask = np.arange(48 * 64).reshape(48, 64) // 3
    assert len(with_mask(folder, mask).cases) == 4


def test_an_object_in_two_parts_is_named(folder: Path) -> None:
    mask = np.ones((48, 64), dtype=np.int32)
    mask[5:10] = 4
    mask[30:33, 3:6] = 8
    mask[33, 6] = 8  # touches by a corner
    found = with_mask(folder, mask)
    (note,) = found.notes
    assert "1 mask with objects in several parts" in note and "00 (1)" in note
    assert len(found.cases) == 4


def test_nearly_all_objects_are_as_large(folder: Path) -> None:
    sizes = np.full(200, 9)
    sizes[[3, 50]] = 2, 1
    mask = np.zeros(48 * 64, dtype=np.uint16)
    mask[: sizes.sum()] = np.repeat(np.arange(1, 201), sizes)
    cases = with_mask(folder, mask.reshape(48, 64)).cases[:1]
    assert size_of_nearly_all(cases) == 8  # between the third smallest and the two below it
    assert size_of_nearly_all(with_mask(folder, np.zeros((48, 64), dtype=np.int32)).cases[:1]) == 0
    mask[:] = 1
    assert size_of_nearly_all(with_mask(folder, mask.reshape(48, 64)).cases[:1], unlabelled=1) == 0


def test_the_same_mask_of_labels_has_no_such_note(folder: Path) -> None:
    mask = np.ones((48, 64), dtype=np.int32)
    mask[5:10] = 0
    (folder / "dataset.json").unlink()
    for path in (folder / "labels").iterdir():
        cv2.imwrite(str(path), mask.astype(np.uint8))
    assert dict(for_segmentation(open_dataset(folder)).labels) == {"label 1": (1,)}


def test_models_of_objects_and_of_labels_are_not_measured_on_each_others_data(folder: Path) -> None:
    objects = open_dataset(folder)
    with pytest.raises(DatasetError, match="each number is one cell"):
        for_segmentation(objects, labels={"cell": (1,)})
    with pytest.raises(DatasetError, match=r'cell = "each" in \[labels\]'):
        for_segmentation(replace(objects, numbers={"cell": (1,)}), labels={"cell": ()})


def test_a_model_of_objects_is_measured_where_nobody_names_the_numbers(folder: Path) -> None:
    (folder / "dataset.json").unlink()
    found = for_segmentation(open_dataset(folder), labels={"cell": ()})
    assert dict(found.labels) == {"cell": ()}
    assert len(found.cases) == 4
