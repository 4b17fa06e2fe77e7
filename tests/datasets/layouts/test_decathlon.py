"""Two folders beside each other, images and masks."""

from __future__ import annotations

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


def test_they_cannot_be_classified_and_it_is_said(
    tmp_path: Path, write_film: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "masks"):
        write_film(f"{folder}/a.png")
    assert check_dataset(open_dataset(tmp_path))[0].text.startswith("no case has a class; only masks: write a descr")
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "bundle")]) == 1
    assert "only masks: write a description that says where the classes are" in capsys.readouterr().err
    assert not any(problem.severity == "refuse" for problem in check_dataset(open_dataset(tmp_path), to_classify=False))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no folders images and labels, or imagesTr and labelsTr"):
        open_decathlon(tmp_path)
