"""Several data sets as one: names, classes, columns, sites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hounsfield.bundle import digest_of
from hounsfield.datasets import open_dataset
from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.joined import joined
from hounsfield.errors import DatasetError


def dataset(name: str, classes: tuple[str, ...], targets: list[int | None], **changed: Any) -> Dataset:
    inputs = changed.get("inputs", ())
    cases = tuple(
        Case(
            str(number),
            f"woman {number}",
            {"image": ImageRef(Path(f"{name}/{number}.png"))},
            target,
            columns=dict.fromkeys(inputs, "1"),
        )
        for number, target in enumerate(targets)
    )
    return Dataset(name, Path(name), cases, classes, "table", **changed)


def test_cases_of_all_are_told_apart_and_have_the_classes_of_the_first() -> None:
    films = dataset("films", ("not malignant", "malignant"), [0, 1], inputs=("age",), modality="MG")
    normal = dataset("normal", ("not malignant",), [0, None], modality="MG", notes=("one is old",))

    both = joined(films, [normal])

    assert [case.id for case in both.cases] == ["0", "1", "normal/0", "normal/1"]
    assert [case.patient for case in both.cases][2:] == ["normal/woman 0", "normal/woman 1"]
    assert [case.target for case in both.cases] == [0, 1, 0, None]
    assert [case.site for case in both.cases] == ["films", "films", "normal", "normal"]
    assert [dict(case.columns) for case in both.cases][1:3] == [{"age": "1"}, {"age": ""}]
    assert (both.name, both.modality) == ("films", "MG")
    assert both.notes[1:] == ("normal: one is old", "with 2 cases of normal")
    assert joined(films, [dataset("xrays", ("malignant",), [0], modality="DX")]).modality == ""


def test_classes_and_views_that_the_first_has_not_are_refused() -> None:
    films = dataset("films", ("benign", "malignant"), [0, 1])
    with pytest.raises(DatasetError, match="other has the classes cyst, which films has not"):
        joined(films, [dataset("other", ("benign", "cyst"), [0, 1])])
    pairs = Dataset(
        "pairs", Path("p"), (Case("a", "a", {"CC": ImageRef(Path("a"))}),), (), "table", views=("CC", "MLO")
    )
    with pytest.raises(DatasetError, match="the same images"):
        joined(films, [pairs])


def test_a_description_names_others_beside_it(tmp_path: Path) -> None:
    for name, label in (("sick", "malignant"), ("well", "")):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.zeros((9, 9), np.uint8))
        (tmp_path / name / "t.csv").write_text(f"image,label\na.png,{label}\n", encoding="utf-8")
        text = f'root = "{name}"\ntable = "t.csv"\nimage = "image"\n[class]\ncolumn = "label"\n'
        text += 'names = ["not malignant", "malignant"]\nvalues = { "" = "not malignant" }\n'
        also = 'also = ["well.toml"]\n' if name == "sick" else ""
        (tmp_path / f"{name}.toml").write_text(also + text, encoding="utf-8")

    both = open_dataset(tmp_path / "sick.toml")

    assert [(case.id, case.target, case.site) for case in both.cases] == [
        ("a.png", 1, "sick"),
        ("well/a.png", 0, "well"),
    ]
    (tmp_path / "well.toml").unlink()
    with pytest.raises(DatasetError, match="no data set at .*well.toml"):
        open_dataset(tmp_path / "sick.toml")


def test_patients_are_known_again_under_the_name_of_their_own_data_set() -> None:
    other = dataset("other", ("benign",), [0])
    both = joined(dataset("films", ("benign", "malignant"), [0, 1]), [other])

    assert digest_of(both.cases[2], both.name) == digest_of(other.cases[0], other.name)
    assert digest_of(both.cases[0], both.name) != digest_of(both.cases[2], both.name)


def test_patients_of_the_same_id_in_two_data_sets_are_pointed_out() -> None:
    both = joined(dataset("films", ("benign",), [0]), [dataset("other", ("benign",), [0, 0])])

    assert "1 patient id of other are in films too, and count as other people" in both.notes[0]


def test_parts_of_some_data_sets_only_are_refused() -> None:
    films = dataset("films", ("benign",), [0])
    parts = replace(films, name="parts", cases=tuple(replace(case, part="train") for case in films.cases))
    with pytest.raises(DatasetError, match="parts has parts that its makers chose, and films has none"):
        joined(films, [parts])


def test_a_description_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        cv2.imwrite(str(tmp_path / "i.png"), np.zeros((9, 9), np.uint8))
        (tmp_path / "t.csv").write_text("image\ni.png\n", encoding="utf-8")
        text = f'also = ["{other}.toml"]\ntable = "t.csv"\nimage = "image"\n'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match="also names a.toml, which leads here itself"):
        open_dataset(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"numbers": {"liver": (2,), "spleen": (1,)}}, r"\[labels\] of second says something else than that of first"),
        ({"numbers": {"liver": ()}}, r"\[labels\] of second"),
        ({"unlabelled": 9}, "unlabelled of second"),
        ({"places": {"apex": "top 1"}}, r"\[landmarks\] of second"),
    ],
)
def test_what_numbers_and_places_mean_must_be_the_same_in_all(changed: dict[str, Any], words: str) -> None:
    first = replace(dataset("first", (), [None]), numbers={"liver": (1,), "spleen": (2,)})
    with pytest.raises(DatasetError, match=words):
        joined(first, [replace(dataset("second", (), [None]), **changed)])
    same = replace(dataset("second", (), [None]), numbers=first.numbers)
    assert len(joined(first, [same, dataset("third", (), [None])]).cases) == 3
