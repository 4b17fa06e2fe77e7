import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.datasets.layouts.classes import ordered, with_positive_last
from hounsfield.errors import DatasetError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["malignant", "benign"], ("benign", "malignant")),
        (["abnormal", "normal"], ("normal", "abnormal")),
        (["cancer", "no_cancer"], ("no_cancer", "cancer")),
        (["COVID", "Healthy"], ("Healthy", "COVID")),
        (["malignant", "normal", "benign"], ("normal", "benign", "malignant")),
        (["10", "2", "1"], ("1", "2", "10")),
        (["pneumonia", "normal", "normal"], ("normal", "pneumonia")),
    ],
)
def test_the_positive_class_comes_last(names: list[str], expected: tuple[str, ...]) -> None:
    assert ordered(names) == expected


@given(st.lists(st.text(min_size=1)))
def test_the_order_of_the_names_changes_nothing(names: list[str]) -> None:
    shuffled = sorted(names, key=hash)
    assert ordered(names) == ordered(shuffled)
    assert set(ordered(names)) == set(names)


def test_a_named_positive_class_moves_to_the_end() -> None:
    assert with_positive_last(("malignant", "normal"), "malignant") == ("normal", "malignant")
    assert with_positive_last(("malignant", "normal"), None) == ("malignant", "normal")


def test_an_unknown_positive_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DatasetError, match="'cancer' is none of the classes: benign, malignant"):
        with_positive_last(("benign", "malignant"), "cancer")
