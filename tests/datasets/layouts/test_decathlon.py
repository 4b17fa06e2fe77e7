"""Two folders beside each other, images and masks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.check import check_dataset
from hounsfield.datasets.layouts.decathlon import open_decathlon
from hounsfield.errors import DatasetError


@pytest.mark.parametrize("folders", [("images", "labels"), ("images", "masks"), ("imagesTr", "labelsTr")])
def test_files_of_one_name_are_an_image_and_its_mask(
    tmp_path: Path, write_film: Callable[..., Path], folders: tuple[str, str]
) -> None:
    images, masks = folders
    for name in ("a", "b"):
        write_film(f"{images}/{name}.png")
    write_film(f"{masks}/b.png")
    dataset = open_dataset(tmp_path)
    assert [case.id for case in dataset.cases] == ["a", "b"] and dataset.classes == ()
    first, second = dataset.cases
    assert first.mask is None and second.mask is not None and second.mask.path == tmp_path / masks / "b.png"
    assert dataset.notes == ("1 of 2 cases without a mask file",)


def test_where_a_name_comes_twice_the_folders_below_tell_which_mask_is_whose(
    tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    for name in ("images/a/1.png", "images/b/1.png", "images/b/2.png", "labels/b/1.png", "labels/a/1.png"):
        write_film(name)
    dataset = open_dataset(tmp_path)
    masks = {case.id: case.mask and case.mask.path for case in dataset.cases}
    assert masks == {"a/1": tmp_path / "labels/a/1.png", "b/1": tmp_path / "labels/b/1.png", "b/2": None}
    assert dataset.notes == ("1 of 3 cases without a mask file",)


def test_one_image_does_not_take_a_mask_of_which_there_are_two(tmp_path: Path, write_film: Callable[..., Path]) -> None:
    for name in ("images/1.png", "labels/a/1.png", "labels/b/1.png"):
        write_film(name)
    (case,) = open_dataset(tmp_path).cases
    assert case.mask is None


def test_folders_below_do_not_matter_where_every_name_comes_once(
    tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    for name in ("images/a/1.png", "images/b/2.png", "labels/1.png", "labels/2.png"):
        write_film(name)
    masks = {case.id: case.mask and case.mask.path for case in open_dataset(tmp_path).cases}
    assert masks == {"1": tmp_path / "labels/1.png", "2": tmp_path / "labels/2.png"}


def test_two_files_that_only_their_endings_tell_apart_are_refused_by_their_names(
    tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    for name in ("images/a/1.png", "labels/a/1.png"):
        write_film(name)
    (tmp_path / "labels/a/1.jpg").write_bytes((tmp_path / "labels/a/1.png").read_bytes())
    with pytest.raises(DatasetError, match=r"labels/a/1\.(jpg|png) and .*labels/a/1\.(jpg|png) have the same name"):
        open_dataset(tmp_path)


def test_numbers_that_look_like_channels_are_none_where_each_has_its_mask(
    tmp_path: Path, write_film: Callable[..., Path]
) -> None:
    for folder in ("images", "masks"):
        for number in range(3):
            write_film(f"{folder}/slice_000{number}.png")
    assert all(case.mask is not None for case in open_dataset(tmp_path).cases)


def test_they_cannot_be_classified_and_it_is_said(
    tmp_path: Path, write_film: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "masks"):
        write_film(f"{folder}/a.png")
    assert check_dataset(open_dataset(tmp_path))[0].text == (
        "no case has a class; only masks: write a description that says where the classes are, or give --task "
        "segmentation"
    )
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "bundle")]) == 1
    assert "only masks: write a description that says where the classes are" in capsys.readouterr().err
    assert not any(problem.severity == "refuse" for problem in check_dataset(open_dataset(tmp_path), to_classify=False))


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"modality": {"0": "CT"}}, "CT"),
        ({"channel_names": {"0": "CT"}}, "CT"),
        ({"modality": {"0": "MRI"}}, "MR"),
        ({"channel_names": {"0": "T2w"}}, "MR"),
        ({"channel_names": {"0": "zscore"}}, ""),
        ({"modality": "CT"}, ""),
        ({"modality": {}}, ""),
        ({}, ""),
    ],
)
def test_dataset_json_says_what_the_images_are(
    tmp_path: Path, write_film: Callable[..., Path], facts: dict[str, object], wanted: str
) -> None:
    for folder in ("imagesTr", "labelsTr"):
        write_film(f"{folder}/a.png")
    assert open_dataset(tmp_path).modality == ""
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": {"0": "nothing", "1": "liver"}, **facts}))
    assert open_dataset(tmp_path).modality == wanted


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no folders images and labels, or imagesTr and labelsTr"):
        open_decathlon(tmp_path)
