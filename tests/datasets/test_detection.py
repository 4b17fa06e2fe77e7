"""Which boxes are to be found, and what an image is as a whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.datasets.case import Case, Crop, Dataset, ImageRef
from hounsfield.datasets.detection import for_detection, positive_kinds
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box


def case(name: str, labels: list[str], target: int | None = None) -> Case:
    boxes = tuple(Box(number, 0, number + 5, 5, label) for number, label in enumerate(labels))
    return Case(name, name, {"image": ImageRef(Path(f"{name}.png"))}, target, boxes)


def dataset(*cases: Case, classes: tuple[str, ...] = ()) -> Dataset:
    return Dataset("films", Path("films"), cases, classes, "table")


def test_classes_that_boxes_are_labelled_with_are_the_kinds_and_other_labels_leave_their_image_out() -> None:
    given = dataset(
        case("a", ["benign"], 0),
        case("b", ["malignant", "benign"], 1),
        case("c", ["ambiguous", "benign"], 0),
        case("d", [], 0),
        classes=("benign", "malignant"),
    )

    found = for_detection(given)

    assert found.kinds == ("benign", "malignant")
    assert [one.id for one in found.cases] == ["a", "b", "d"]
    assert [one.target for one in found.cases] == [0, 1, 0]
    assert positive_kinds(found) == ("malignant",)
    assert "1 image with boxes labelled ambiguous" in found.notes[-1]


def test_where_only_the_positive_class_is_a_label_every_label_is_a_kind() -> None:
    given = dataset(case("a", ["benign"], 0), case("b", ["malignant"], 1), classes=("not malignant", "malignant"))

    found = for_detection(given)

    assert set(found.kinds) == {"benign", "malignant"}
    assert found.classes == ("not malignant", "malignant")
    assert positive_kinds(found) == ("malignant",)


def test_other_labels_are_kinds_the_commonest_first_and_an_image_has_some_or_none() -> None:
    given = dataset(
        case("a", ["CIRC", "SPIC"], 1), case("b", ["SPIC"], 1), case("c", [], 0), classes=("normal", "abnormal")
    )

    found = for_detection(given)

    assert found.kinds == positive_kinds(found) == ("SPIC", "CIRC")
    assert found.classes == ("no finding", "any finding")
    assert [one.target for one in found.cases] == [1, 1, 0]


def test_images_are_of_two_classes_whether_anything_is_found_there() -> None:
    found = for_detection(dataset(case("a", ["tumour"]), case("b", [])))

    assert found.classes == ("no finding", "any finding")
    assert positive_kinds(found) == ("tumour",)
    again = for_detection(
        dataset(case("c", []), case("d", ["tumour"])), kinds=found.kinds, classes=found.classes, positive=("tumour",)
    )
    assert [one.target for one in again.cases] == [0, 1]


def test_boxes_without_a_label_are_lesions() -> None:
    found = for_detection(dataset(case("a", [""]), case("b", [])))

    assert found.kinds == ("lesion",)
    assert found.cases[0].boxes[0].label == "lesion"


def test_what_has_no_boxes_or_is_cut_out_already_is_refused() -> None:
    with pytest.raises(DatasetError, match="none of its 1 case has a box"):
        for_detection(dataset(case("a", [], 0), classes=("x", "y")))
    square = case("a", ["benign"], 0)
    cut = replace(square, images={"image": replace(square.image, crop=Crop(square.boxes[0]))})
    with pytest.raises(DatasetError, match="'a' is a square cut out of one"):
        for_detection(dataset(cut, classes=("benign", "malignant")))


def test_where_the_class_says_whether_there_is_a_lesion_one_that_nobody_placed_leaves_its_image_out() -> None:
    by_label = dataset(
        case("a", ["benign"], 0), case("b", ["malignant"], 1), case("c", [], 1), classes=("benign", "malignant")
    )
    by_class = dataset(case("a", ["CIRC"], 1), case("b", [], 0), case("c", [], 1), classes=("normal", "abnormal"))
    unrelated = dataset(case("a", ["CIRC"], 0), case("b", ["CIRC"], 1), case("c", [], 1), classes=("left", "right"))

    assert [one.id for one in for_detection(by_label).cases] == ["a", "b"]
    assert [one.id for one in for_detection(by_class).cases] == ["a", "b"]
    assert "1 image of abnormal without a box left out" in for_detection(by_class).notes[-1]
    assert [one.id for one in for_detection(unrelated).cases] == ["a", "b", "c"]


def test_a_model_measures_data_that_have_few_of_its_kinds_or_none() -> None:
    classes = ("not malignant", "malignant")
    benign = dataset(case("a", ["benign"], 0), case("b", [], 0), classes=classes)
    normal = dataset(case("a", [], 0), case("b", [], 0), classes=classes)

    for data in (benign, normal):
        found = for_detection(data, kinds=("benign", "malignant"), classes=classes)
        assert (found.kinds, found.classes) == (("benign", "malignant"), classes)
        assert [one.target for one in found.cases] == [0, 0]
    with pytest.raises(DatasetError, match="boxes labelled 'cyst', and the model finds benign, malignant"):
        for_detection(dataset(case("a", ["cyst"], 0), classes=classes), kinds=("benign", "malignant"), classes=classes)


def test_images_of_a_class_that_no_box_is_labelled_with_are_not_taken_for_images_without_a_lesion() -> None:
    given = dataset(case("a", ["benign"], 0), case("b", [], 1), case("c", [], 0), classes=("benign", "malignant"))

    found = for_detection(given)

    assert [one.id for one in found.cases] == ["a", "c"] and found.kinds == ("benign",)
    assert "1 image of malignant without a box left out" in found.notes[-1]


KINDS, WITH_NAMES = ("benign", "malignant"), ("not malignant", "malignant")


def asked(given: Dataset) -> Dataset:
    """As a model of (not malignant, malignant) is to be measured on it."""
    return for_detection(given, kinds=KINDS, classes=WITH_NAMES, positive=("malignant",))


def test_data_with_the_classes_in_another_order_are_what_their_boxes_say() -> None:
    given = dataset(
        case("a", ["malignant"], 0), case("b", ["benign"], 1), case("c", [], 0), classes=("malignant", "benign")
    )

    found = asked(given)

    assert found.classes == WITH_NAMES
    assert [(one.id, one.target) for one in found.cases] == [("a", 1), ("b", 0)]
    assert "1 image of malignant without a box left out" in found.notes[-2]
    assert found.notes[-1] == (
        "whether an image is malignant is what its boxes say, for the data have the classes malignant, benign"
    )


def test_benign_films_of_normal_and_abnormal_ones_are_not_taken_for_malignant() -> None:
    given = dataset(
        case("a", ["benign"], 1),
        case("b", ["malignant", "benign"], 1),
        case("c", [], 0),
        case("d", [], 1),
        case("e", ["benign"]),
        classes=("normal", "abnormal"),
    )

    assert [(one.id, one.target) for one in asked(given).cases] == [("a", 0), ("b", 1), ("c", 0), ("e", 0)]


def test_of_three_classes_every_film_is_one_of_the_two_that_the_model_knows() -> None:
    given = dataset(case("a", [], 0), case("b", ["benign"], 1), case("c", ["malignant"], 2), classes=("normal", *KINDS))

    assert [one.target for one in asked(given).cases] == [0, 0, 1]


def test_data_without_classes_are_measured_by_their_boxes_and_those_without_either_keep_what_they_have() -> None:
    found = asked(dataset(case("a", ["benign"]), case("b", ["malignant"]), case("c", [])))
    bare = asked(dataset(case("a", [], 0), case("b", [], 1), classes=("left", "right")))

    assert [one.target for one in found.cases] == [0, 1, 0]
    assert "for the data have no classes" in found.notes[-1]
    assert bare.classes == ("left", "right") and bare.kinds == KINDS


def test_an_image_whose_class_nobody_wrote_down_is_what_its_boxes_say() -> None:
    given = dataset(
        case("a", ["benign"], 0), case("b", ["malignant"]), case("c", ["benign"]), case("d", []), classes=KINDS
    )

    for found in (for_detection(given), for_detection(given, kinds=KINDS, classes=KINDS, positive=("malignant",))):
        assert [one.target for one in found.cases] == [0, 1, 0, None]
