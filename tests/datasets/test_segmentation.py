"""What masks may look like, what their numbers are called, and how many labels can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING, for_segmentation, mask_of
from hounsfield.errors import DatasetError

WriteFilm = Callable[..., Path]


@pytest.fixture
def masked(tmp_path: Path, write_film: WriteFilm) -> Callable[..., Dataset]:
    """Flat images, with these masks and these names of their numbers."""

    def make(*masks: VoxelArray, numbers: Mapping[str, tuple[int, ...]] | None = None, unlabelled: int = 0) -> Dataset:
        for place, mask in enumerate(masks):
            write_film(f"data/images/{place}.png", np.full((6, 8), 100, dtype=np.uint8))
            write_film(f"data/masks/{place}.png", mask)
        return replace(open_dataset(tmp_path / "data"), numbers=dict(numbers or {}), unlabelled=unlabelled)

    return make


def save(path: Path, voxels: np.ndarray, affine: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)  # type: ignore[attr-defined, no-untyped-call]


def holding(*numbers: int) -> VoxelArray:
    """A flat mask (6, 8) with these numbers from its first pixel on, 0 elsewhere."""
    mask: VoxelArray = np.zeros((6, 8), dtype=np.uint8)
    mask.flat[: len(numbers)] = numbers
    return mask


def test_a_mask_in_colour_whose_channels_are_the_same_is_a_mask(masked: Callable[..., Dataset]) -> None:
    grey = holding(1, 1, 2)
    found = for_segmentation(masked(np.repeat(grey[..., None], 3, axis=2)))

    assert dict(found.labels) == {"label 1": (1,), "label 2": (2,)}
    np.testing.assert_array_equal(mask_of(found.cases[0])[0], grey)


def test_a_mask_whose_channels_differ_is_named_and_left_out(masked: Callable[..., Dataset]) -> None:
    coloured = np.zeros((6, 8, 3), dtype=np.uint8)
    coloured[:3, :, 2] = 255  # red
    found = for_segmentation(masked(holding(1), coloured))

    assert [case.id for case in found.cases] == ["0"]
    assert any("1.png is no mask: it has 3 channels, which differ" in note for note in found.notes)
    with pytest.raises(DatasetError, match=r"no mask can be used: .*1\.png is no mask: it has 3 channels"):
        for_segmentation(replace(found, cases=masked(holding(1), coloured).cases[1:], numbers={"lung": (255,)}))


def test_a_models_labels_are_found_by_their_names_whatever_numbers_they_have_elsewhere(
    masked: Callable[..., Dataset],
) -> None:
    elsewhere = masked(holding(7, 7, 3, 9), holding(3), numbers={"spleen": (9,), "tumour": (3,), "liver": (7, 8)})
    found = for_segmentation(elsewhere, labels={"liver": (1,), "tumour": (2,)}, unlabelled=255)

    assert list(found.labels.items()) == [("liver", (7, 8)), ("tumour", (3,))]  # in the model's order
    assert found.unlabelled == 0  # the data say what is unlabelled there
    assert len(found.cases) == 2  # a number of another label counts as nothing
    assert any(
        "on 1 image numbers that are none of 0, 3, 7, 8 count as nothing: " in note and note.endswith("masks/0.png (9)")
        for note in found.notes
    )


def test_an_image_with_a_number_that_nobody_named_is_left_out_of_training(masked: Callable[..., Dataset]) -> None:
    found = for_segmentation(masked(holding(1, 4), holding(1), numbers={"liver": (1,)}))

    assert [case.id for case in found.cases] == ["1"]
    (note,) = found.notes
    assert note.startswith("1 image left out, with numbers that are none of 0, 1: ")
    mend = "name them in [labels], or write others_are_nothing = true in the description"
    assert note.endswith(f"masks/0.png (4); {mend}")
    lenient = replace(masked(holding(1, 4), holding(1), numbers={"liver": (1,)}), others_are_nothing=True)
    found = for_segmentation(lenient)
    assert len(found.cases) == 2
    assert found.notes[0].startswith("on 1 image numbers that are none of 0, 1 count as nothing: ")


def test_masks_on_which_nothing_is_are_told_and_refused_where_there_are_no_others(
    masked: Callable[..., Dataset],
) -> None:
    found = for_segmentation(masked(holding(1), holding(), numbers={"liver": (1,)}))
    assert len(found.cases) == 2  # a patient without the lesion is worth learning from
    (note,) = found.notes
    assert note.startswith("on 1 mask nothing is labelled: ") and note.endswith("masks/1.png")
    with pytest.raises(DatasetError, match="no mask can be used: all 2 are empty, the first for 0: give those on"):
        for_segmentation(masked(holding(), holding(), numbers={"liver": (1,)}))


@pytest.mark.parametrize(("moved_mm", "kept"), [(0.0, 2), (50.0, 1)])
def test_a_mask_of_one_slice_that_lies_elsewhere_is_left_out(tmp_path: Path, moved_mm: float, kept: int) -> None:
    for name in "ab":
        image, mask = np.full((8, 6, 1), 100, dtype=np.int16), np.zeros((8, 6, 1), dtype=np.uint8)
        mask[2:5, 2:5] = 1
        place, moved = np.diag([2.0, 2, 5, 1]), np.diag([2.0, 2, 5, 1])
        place[:3, 3] = moved[:3, 3] = 10, 20, 30
        moved[0, 3] += moved_mm if name == "b" else 0
        save(tmp_path / "images" / f"{name}.nii.gz", image, place)
        save(tmp_path / "labels" / f"{name}.nii.gz", mask, moved)
    found = for_segmentation(open_dataset(tmp_path))
    assert len(found.cases) == kept
    assert any("labels/b.nii.gz" in note and "not on one grid" in note for note in found.notes) == (kept == 1)


@pytest.mark.parametrize(("most", "dtype"), [(1, np.uint8), (300, np.uint16), (70_000, np.uint32)])
def test_numbers_take_no_more_bytes_than_they_need(tmp_path: Path, most: int, dtype: type) -> None:
    numbers = np.zeros((4, 5, 6), dtype=np.float32)
    numbers[1, 2, 3] = most
    save(tmp_path / "images" / "a.nii.gz", np.ones((4, 5, 6), dtype=np.int16), np.eye(4))
    save(tmp_path / "labels" / "a.nii.gz", numbers, np.eye(4))
    mask = mask_of(open_dataset(tmp_path).cases[0])
    assert mask.dtype == dtype and mask[3, 2, 1] == mask.max() == most


def test_data_without_names_are_taken_to_have_the_models_numbers(masked: Callable[..., Dataset]) -> None:
    found = for_segmentation(masked(holding(1, 2, 255)), labels={"liver": (1,), "tumour": (2,)}, unlabelled=255)

    assert dict(found.labels) == {"liver": (1,), "tumour": (2,)} and found.unlabelled == 255
    assert found.notes == ()


def test_data_that_lack_a_label_of_the_model_are_refused(masked: Callable[..., Dataset]) -> None:
    with pytest.raises(DatasetError, match=r"has the labels liver, and the model outlines also tumour: name them in"):
        for_segmentation(masked(holding(1), numbers={"liver": (1,)}), labels={"liver": (1,), "tumour": (2,)})


@pytest.mark.parametrize(
    ("numbers", "most"),
    [
        (lambda count: {f"label {n}": (n,) for n in range(1, count + 1)}, MOST_NUMBERS),
        (lambda count: {f"region {n}": (n, 100) for n in range(1, count + 1)}, MOST_OVERLAPPING),
    ],
)
def test_as_many_labels_are_learned_as_can_be_told_apart_and_one_more_is_refused(
    masked: Callable[..., Dataset], numbers: Callable[[int], dict[str, tuple[int, ...]]], most: int
) -> None:
    assert len(for_segmentation(masked(holding(1), numbers=numbers(most))).labels) == most
    with pytest.raises(DatasetError, match=f"has {most + 1} labels with [0-9]+ numbers: up to 254 numbers, or 16"):
        for_segmentation(masked(holding(1), numbers=numbers(most + 1)))


def test_many_labels_do_not_overlap_because_one_has_several_numbers(masked: Callable[..., Dataset]) -> None:
    several = {f"label {n}": (2 * n, 2 * n + 1) for n in range(1, 41)}

    assert len(for_segmentation(masked(holding(2, 3), numbers=several)).labels) == 40
