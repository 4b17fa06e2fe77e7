from pathlib import Path

import pytest

from hounsfield.datasets import Case, Dataset, ImageRef
from hounsfield.datasets.digest import case_digests
from hounsfield.errors import DatasetError


def _breast(*views: str) -> Case:
    return Case("breast", "woman", {view: ImageRef(Path(f"{view}.png")) for view in views})


@pytest.mark.parametrize(("views", "found"), [((), r"\(none\)"), (("CC", "XCCL"), "CC, XCCL")])
def test_a_case_without_an_image_or_with_an_unknown_view_is_refused(views: tuple[str, ...], found: str) -> None:
    with pytest.raises(DatasetError, match=f"'breast' has the images {found}; expected one or more of CC, MLO"):
        Dataset("test", Path(), (_breast(*views),), (), "table", views=("CC", "MLO"))


def test_a_case_may_lack_some_of_the_views() -> None:
    assert (
        Dataset("test", Path(), (_breast("MLO"),), (), "table", views=("CC", "MLO")).cases[0].image.path.stem == "MLO"
    )


def test_the_digests_of_a_case_are_those_of_all_its_views(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)
    refs = {name: ImageRef(tmp_path / name) for name in ("a", "b", "c", "lost")}
    both, one = case_digests(
        [Case("1", "1", {"CC": refs["a"], "MLO": refs["b"]}), Case("2", "2", {"CC": refs["c"], "MLO": refs["lost"]})]
    )
    assert (len(both), len(one)) == (2, 1)
    assert one < both


def test_a_case_with_other_columns_than_the_inputs_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"'breast' has the columns \(none\); expected the inputs age"):
        Dataset("test", Path(), (_breast("CC"),), (), "table", views=("CC",), inputs=("age",))
