"""Channels in folders of images and masks: files with numbers, and volumes of one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from hounsfield.datasets import Dataset, load, open_dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.segmentation import for_segmentation
from hounsfield.errors import DatasetError, FormatError

WriteFilm = Callable[..., Path]


def say(folder: Path, **facts: object) -> None:
    (folder / "dataset.json").write_text(json.dumps({"labels": {"nothing": 0, "ball": 1}, **facts}), encoding="utf-8")


@pytest.mark.parametrize("below", ["", "site/"])
def test_files_with_numbers_are_the_channels_of_a_case(tmp_path: Path, write_film: WriteFilm, below: str) -> None:
    for name in ("x_0000", "x_0001", "y_0000", "y_0001"):
        write_film(f"imagesTr/{below}{name}.png")
    for name in ("x", "y"):
        write_film(f"labelsTr/{below}{name}.png")
    dataset = open_dataset(tmp_path)
    assert [case.id for case in dataset.cases] == ["x", "y"] and all(case.mask for case in dataset.cases)
    assert dataset.channels == {"0000": "", "0001": ""}
    names = [channel.path.name for channel in dataset.cases[1].image.taken]
    assert names == ["y_0000.png", "y_0001.png"]


def test_dataset_json_names_them_and_says_what_they_are(tmp_path: Path, write_film: WriteFilm) -> None:
    for number in range(4):
        write_film(f"imagesTr/x_000{number}.png")
    write_film("labelsTr/x.png")
    say(tmp_path, channel_names={"0": "CT", "1": "FDG-PET", "2": "T2w", "3": "T2w"})
    dataset = open_dataset(tmp_path)
    assert dataset.channels == {"CT": "CT", "FDG-PET": "PT", "T2w 2": "MR", "T2w 3": "MR"}
    assert dataset.modality == "CT"
    assert load(dataset.cases[0].image).channel_names == ("CT", "FDG-PET", "T2w 2", "T2w 3")


def test_more_channels_than_dataset_json_names_are_refused(tmp_path: Path, write_film: WriteFilm) -> None:
    for number in range(3):
        write_film(f"imagesTr/x_000{number}.png")
    write_film("labelsTr/x.png")
    say(tmp_path, modality={"0": "T2", "1": "ADC"})
    with pytest.raises(DatasetError, match=r"x_0002\.png is channel 2 .* names 2 channels \(T2, ADC\)"):
        open_dataset(tmp_path)


def test_a_case_that_lacks_a_channel_is_named_and_left_out(tmp_path: Path, write_film: WriteFilm) -> None:
    ball = np.zeros((12, 12), np.uint8)
    ball[4:8, 4:8] = 1
    for name in ("x", "y"):
        write_film(f"labelsTr/{name}.png", ball)
    for name in ("x_0000", "x_0001", "y_0000"):
        write_film(f"imagesTr/{name}.png", ball * 9)
    dataset = open_dataset(tmp_path)
    ((case, reason),) = make_fingerprint(dataset).unreadable
    assert case == "y" and "y_0001.png: no such file" in reason
    found = for_segmentation(dataset)
    assert [case.id for case in found.cases] == ["x"] and "y_0001.png: no such file" in found.notes[-1]


def volumes(folder: Path, *shape: int) -> Path:
    """A task of the Medical Segmentation Decathlon of one case, its image of this shape."""
    for name, size in (("imagesTr", shape), ("labelsTr", shape[:3])):
        (folder / name).mkdir(parents=True)
        own = np.arange(np.prod(size)).reshape(size).astype(np.int16) % 90
        nibabel.save(nibabel.Nifti1Image(own, np.eye(4)), folder / name / "BRATS_001.nii.gz")
    return folder


def test_volumes_of_one_file_are_channels_where_dataset_json_names_them(tmp_path: Path) -> None:
    data = volumes(tmp_path / "Task05", 5, 4, 3, 2)
    with pytest.raises(FormatError, match="a series of 2 volumes"):
        load(open_dataset(data).cases[0].image)
    say(data, modality={"0": "T2", "1": "ADC"})
    dataset = open_dataset(data)
    assert dataset.channels == {"T2": "MR", "ADC": "MR"}
    image = load(dataset.cases[0].image)
    assert image.shape == (3, 4, 5) and image.channel_names == ("T2", "ADC")
    assert image.voxels[:, 0, 0, 0].tolist() == [0, 1]


def test_a_file_with_another_number_of_volumes_is_named(tmp_path: Path) -> None:
    data = volumes(tmp_path / "Task01", 5, 4, 3, 3)
    say(data, modality={"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"})
    wanted = "4 channels were expected, and it holds 3 volumes"
    with pytest.raises(DatasetError, match=f"no mask can be used: .*BRATS_001.nii.gz: {wanted}"):
        for_segmentation(open_dataset(data))


def test_pictures_in_colour_stay_what_they_are_where_dataset_json_names_the_colours(
    tmp_path: Path, write_film: WriteFilm
) -> None:
    write_film("imagesTr/x.png", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    write_film("labelsTr/x.png", np.eye(4, dtype=np.uint8))
    say(tmp_path, channel_names={"0": "R", "1": "G", "2": "B"})
    dataset = open_dataset(tmp_path)
    assert dataset.channels == {} and load(dataset.cases[0].image).channels == 3


def masked(folder: Path, images: list[str], masks: list[str], write_film: WriteFilm) -> Dataset:
    for name in images:
        write_film(f"{folder.name}/imagesTr/{name}.png")
    for name in masks:
        write_film(f"{folder.name}/labelsTr/{name}.png")
    return open_dataset(folder)


@pytest.mark.parametrize("described", [False, True])
def test_cases_with_numbers_and_without_a_mask_keep_their_channels(
    tmp_path: Path, write_film: WriteFilm, described: bool
) -> None:
    names = ["BRATS_0001", "BRATS_0002", "BRATS_0007"]
    images = [f"{name}_{channel}" for name in names for channel in ("0000", "0001")]
    if described:
        (tmp_path / "data").mkdir()
        say(tmp_path / "data", channel_names={"0": "T1", "1": "T2"})
    dataset = masked(tmp_path / "data", images, names[:2], write_film)
    assert [case.id for case in dataset.cases] == names
    assert list(dataset.channels) == (["T1", "T2"] if described else ["0000", "0001"])
    assert [one.path.name for one in dataset.cases[2].image.taken] == ["BRATS_0007_0000.png", "BRATS_0007_0001.png"]


def test_a_number_far_from_the_others_is_no_channel(tmp_path: Path, write_film: WriteFilm) -> None:
    dataset = masked(tmp_path / "data", ["a", "a_0012", "b"], ["a", "b"], write_film)
    assert [case.id for case in dataset.cases] == ["a", "a_0012", "b"] and dataset.channels == {}
    assert [case.image.path.name for case in dataset.cases] == ["a.png", "a_0012.png", "b.png"]


def test_a_stray_number_leaves_the_channels_of_the_others(tmp_path: Path, write_film: WriteFilm) -> None:
    images = ["a_0000", "a_0001", "a_0137", "b_0000", "b_0001"]
    dataset = masked(tmp_path / "data", images, ["a", "b"], write_film)
    assert list(dataset.channels) == ["0000", "0001"]
    assert [case.id for case in dataset.cases] == ["a", "a_0137", "b"]


@pytest.mark.parametrize(
    ("shape", "channels", "noted"), [((5, 4, 3), 1, True), ((5, 4, 1), 1, True), ((5, 4, 3, 3), 3, False)]
)
def test_images_of_one_file_stay_what_they_are_where_dataset_json_names_more(
    tmp_path: Path, shape: tuple[int, ...], channels: int, noted: bool
) -> None:
    """A grey volume, a grey slice, and a volume in colour."""
    voxels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    colours = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    stored = voxels.copy().view(colours).reshape(shape[:3]) if channels == 3 else voxels
    for name, own in (("imagesTr/x_0000", stored), ("labelsTr/x", np.zeros(shape[:3], np.uint8))):
        (tmp_path / name).parent.mkdir()
        nibabel.save(nibabel.Nifti1Image(own, np.eye(4)), tmp_path / f"{name}.nii.gz")
    say(tmp_path, channel_names={"0": "R", "1": "G", "2": "B"})
    dataset = open_dataset(tmp_path)
    assert dataset.channels == {} and load(dataset.cases[0].image).channels == channels
    told = [note for note in dataset.notes if "dataset.json names the channels R, G, B, and " in note]
    assert bool(told) == noted


def test_a_damaged_first_file_does_not_decide_what_the_others_are(tmp_path: Path) -> None:
    data = volumes(tmp_path / "Task01", 5, 4, 3)
    (data / "imagesTr" / "BRATS_000.nii.gz").write_bytes(b"no image")
    say(data, modality={"0": "FLAIR", "1": "T1w"})
    assert open_dataset(data).channels == {}
