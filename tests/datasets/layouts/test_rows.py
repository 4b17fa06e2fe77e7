from pathlib import Path

import pytest

from hounsfield.datasets.layouts.rows import Table, join, read_table, template
from hounsfield.errors import DatasetError


def _written(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_separate_cells(tmp_path: Path, mark: str) -> None:
    table = read_table(_written(tmp_path, f"\ufeffimage{mark}label\r\na.png{mark} benign \r\n\r\n"))
    assert table.columns == ("image", "label")
    assert table.rows == ({"image": "a.png", "label": "benign"},)


def test_quoted_cells_may_hold_commas_and_line_breaks(tmp_path: Path) -> None:
    assert read_table(_written(tmp_path, 'a,b\n"x, y","1\n2"\n')).rows[0] == {"a": "x, y", "b": "1\n2"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "more than one column called 'a'"),
        ("a,b\n1,2\n1,2,3\n", "row 3: 3 cells under 2 column names"),
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        read_table(_written(tmp_path, text))


def test_a_table_that_is_not_utf8_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a\n\xff\xfe\x00")
    with pytest.raises(DatasetError, match="save the table as"):
        read_table(path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nothing\.csv: No such file"):
        read_table(tmp_path / "nothing.csv")


def _table(name: str, columns: str, *rows: str) -> Table:
    keys = tuple(columns.split())
    return Table(Path(name), keys, tuple(dict(zip(keys, row.split(), strict=True)) for row in rows))


def test_joining_adds_columns_many_to_one_and_keeps_the_left_cells() -> None:
    masses = _table("masses.csv", "image label", "a benign", "a malignant", "b benign")
    images = _table("images.csv", "image view label", "a CC x", "b MLO y", "c CC z")
    joined = join(masses, images, "image")
    assert joined.columns == ("image", "label", "view")
    assert [(row["label"], row["view"]) for row in joined.rows] == [
        ("benign", "CC"),
        ("malignant", "CC"),
        ("benign", "MLO"),
    ]


def test_joining_refuses_doubled_and_missing_partners() -> None:
    left = _table("l.csv", "image", "a", "b")
    with pytest.raises(DatasetError, match="two rows with image = 'a'"):
        join(left, _table("r.csv", "image x", "a 1", "a 2", "b 3"), "image")
    with pytest.raises(DatasetError, match=r"no row for 1 of the values of image in l\.csv: b"):
        join(left, _table("r.csv", "image x", "a 1"), "image")
    with pytest.raises(DatasetError, match="no column 'film' for joining"):
        join(left, left, "film")


def test_a_template_fills_braces_and_a_bare_word_is_a_column() -> None:
    table = _table("t.csv", "image index", "a 1")
    assert template("masks/{image}_{index}.png", table, "mask").fill(table.rows[0]) == "masks/a_1.png"
    assert template("image", table, "image").fill(table.rows[0]) == "a"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{film}.png", "no column 'film' for image; columns: image, index"),
        ("film", "no column 'film'"),
        ("{image.__class__}", "no column 'image.__class__'"),
        ("{image!r}", "no column 'image!r'"),
        ("{index:03d}", "no column 'index:03d'"),
        ("{image", "write columns as"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        template(text, _table("t.csv", "image index", "a 1"), "image")


def test_names_with_dots_are_columns_too() -> None:
    table = Table(Path("t.csv"), ("file.name", "Patient.ID"), ({"file.name": "a.png", "Patient.ID": "7"},))
    for text, filled in (("file.name", "a.png"), ("{Patient.ID}/{file.name}", "7/a.png")):
        assert template(text, table, "image").fill(table.rows[0]) == filled
