from collections.abc import Callable
from pathlib import Path

import pytest

from hounsfield.datasets import open_dataset
from hounsfield.errors import DatasetError

WriteFilm = Callable[..., Path]


def test_a_path_where_nothing_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no data set at .*nothing"):
        open_dataset(tmp_path / "nothing")


def test_a_table_alone_asks_for_a_description(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match=r"labels\.csv is a table; write a description"):
        open_dataset(tmp_path / "labels.csv")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DatasetError, match="is no data set; expected"):
        open_dataset(tmp_path / "notes.txt")


def test_a_root_is_for_descriptions_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="give the data's own path"):
        open_dataset(tmp_path, root=tmp_path)


def test_a_root_where_nothing_is_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('root = "away"\ntable = "t.csv"\nimage = "image"\n')
    with pytest.raises(DatasetError, match=r"should be at .*away, where nothing is; give the place with root"):
        open_dataset(tmp_path / "d.toml")
    with pytest.raises(DatasetError, match=r"no table t\.csv in .*; if the data lie elsewhere, give root"):
        open_dataset(tmp_path / "d.toml", root=tmp_path)


def test_an_npz_that_is_not_at_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('npz = "toy*.npz"\n')
    with pytest.raises(DatasetError, match=r"no file toy\*\.npz in"):
        open_dataset(tmp_path / "d.toml")


def test_a_folder_with_one_description_is_opened_by_it(tmp_path: Path, write_film: WriteFilm) -> None:
    write_film("images/a.png")
    (tmp_path / "t.csv").write_text("image,label\na,benign\n")
    (tmp_path / "pyproject.toml").write_text("[tool]\n")
    (tmp_path / "d.toml").write_text('table = "t.csv"\nimage = "images/{image}.png"\n[class]\ncolumn = "label"\n')
    dataset = open_dataset(tmp_path)
    assert (dataset.name, dataset.layout, len(dataset.cases)) == ("d", "table", 1)


def test_the_root_of_a_description_is_relative_to_it(tmp_path: Path, write_film: WriteFilm) -> None:
    write_film("data/images/a.png")
    (tmp_path / "data/t.csv").write_text("image\na\n")
    (tmp_path / "d.toml").write_text('root = "data"\ntable = "t.csv"\nimage = "images/{image}.png"\n')
    dataset = open_dataset(tmp_path / "d.toml")
    assert dataset.cases[0].images["image"].path.is_file()
    assert dataset.classes == ()
    assert dataset.cases[0].target is None
