from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import load, open_dataset
from hounsfield.errors import DatasetError

WriteNpz = Callable[[str, Mapping[str, VoxelArray]], Path]


def _arrays(part: str, labels: list[int], shape: tuple[int, ...] = (28, 28)) -> dict[str, VoxelArray]:
    size = (len(labels), *shape)
    images = np.random.default_rng(len(part)).integers(0, 256, size, dtype=np.uint8)
    return {f"{part}_images": images, f"{part}_labels": np.array(labels, np.uint8)[:, None]}


def test_parts_ids_and_name_come_from_the_file(write_npz: WriteNpz) -> None:
    path = write_npz("toy_64_train_val.npz", {**_arrays("train", [0, 1, 0]), **_arrays("val", [1])})
    dataset = open_dataset(path)
    assert (dataset.name, dataset.layout, dataset.classes) == ("toy_64", "medmnist", ("0", "1"))
    assert [(case.id, case.part, case.target) for case in dataset.cases] == [
        ("train-00000", "train", 0),
        ("train-00001", "train", 1),
        ("train-00002", "train", 0),
        ("val-00000", "val", 1),
    ]
    assert not dataset.patients_known


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((28, 28), (1, 1, 28, 28)), ((28, 28, 3), (3, 1, 28, 28)), ((9, 11, 13), (1, 9, 11, 13))],
)
def test_grey_colour_and_volumes_become_images(
    write_npz: WriteNpz, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    arrays = _arrays("test", [0, 1], shape)
    dataset = open_dataset(write_npz("toy_test.npz", arrays))
    image = load(dataset.cases[1].images["image"])
    assert image.voxels.shape == expected
    assert image.voxels.dtype == np.uint8
    row = arrays["test_images"][1]
    channels = [row[..., channel] for channel in range(3)] if shape[-1] == 3 else [row]
    for channel, values in enumerate(channels):
        np.testing.assert_array_equal(image.voxels[channel].reshape(values.shape), values)


def test_well_known_sets_have_their_published_names_and_malignant_is_positive(write_npz: WriteNpz) -> None:
    dataset = open_dataset(write_npz("breastmnist_test.npz", _arrays("test", [0, 1])))
    assert dataset.classes == ("normal or benign", "malignant")
    assert [case.target for case in dataset.cases] == [1, 0]
    assert "0 is malignant" in dataset.notes[0]


def test_a_description_names_the_classes_and_finds_other_files(write_npz: WriteNpz, tmp_path: Path) -> None:
    description = tmp_path / "toy.toml"
    description.write_text('npz = "toy*.npz"\n[class]\nnames = ["bad", "good"]\npositive = "bad"\n')
    write_npz("toy_train.npz", _arrays("train", [0, 1, 1]))
    dataset = open_dataset(description)
    assert (dataset.name, dataset.classes) == ("toy", ("good", "bad"))
    assert [case.target for case in dataset.cases] == [1, 0, 0]
    held_back = tmp_path / "held_back"
    held_back.mkdir()
    write_npz("held_back/toy_test.npz", _arrays("test", [1, 0]))
    for root in (held_back, held_back / "toy_test.npz"):
        moved = open_dataset(description, root=root)
        assert [(case.id, case.target) for case in moved.cases] == [("test-00000", 0), ("test-00001", 1)]


def test_files_with_different_parts_are_one_data_set(write_npz: WriteNpz, tmp_path: Path) -> None:
    write_npz("toy_train.npz", _arrays("train", [0, 1]))
    write_npz("toy_test.npz", _arrays("test", [1]))
    assert [case.id for case in open_dataset(tmp_path).cases] == ["train-00000", "train-00001", "test-00000"]
    write_npz("toy_train_val.npz", _arrays("train", [0, 1]))
    with pytest.raises(DatasetError, match="both hold train_images"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"train_images": np.zeros((2, 4, 4), np.uint8)}, "train_images but no train_labels; it holds train_images"),
        ({"x": np.zeros(3)}, "holds x; expected MedMNIST's names"),
        (
            {"test_images": np.zeros((2, 4, 4), np.uint8), "test_labels": np.zeros((3, 1), np.uint8)},
            "2 test_images but 3 test_labels",
        ),
        (
            {"test_images": np.zeros((2, 4, 4), np.uint8), "test_labels": np.zeros((2, 14), np.uint8)},
            "14 labels an image",
        ),
        ({"test_images": np.zeros((2, 4), np.uint8), "test_labels": np.zeros(2)}, r"of shape \(2, 4\); expected"),
        ({"test_images": np.zeros((2, 4, 4), np.uint8), "test_labels": np.array([0, 0.5])}, "whole numbers"),
    ],
)
def test_npz_files_of_another_form_are_refused(
    write_npz: WriteNpz, arrays: Mapping[str, VoxelArray], sentence: str
) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(write_npz("toy.npz", arrays))


def test_python_objects_are_never_unpickled(write_npz: WriteNpz) -> None:
    objects = np.array([{"a": 1}, None], dtype=object)
    path = write_npz("toy.npz", {"train_images": np.zeros((2, 4, 4), np.uint8), "train_labels": objects})
    with pytest.raises(DatasetError, match="'train_labels' holds Python objects, which could run code"):
        open_dataset(path)


def test_a_label_without_a_name_is_refused(write_npz: WriteNpz, tmp_path: Path) -> None:
    write_npz("toy.npz", _arrays("train", [0, 2]))
    (tmp_path / "toy.toml").write_text('npz = "toy.npz"\n[class]\nnames = ["a", "b"]\n')
    with pytest.raises(DatasetError, match=r"a label is 2, but \[class\] names has 2 names"):
        open_dataset(tmp_path / "toy.toml")
