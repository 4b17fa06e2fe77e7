"""The choice for the contact sheet."""

from collections import Counter
from dataclasses import replace

from report_samples import dataset, film

from hounsfield.datasets.case import Crop
from hounsfield.findings import Box
from hounsfield.reporting.contact_sheet import by_class, choose_contact_cases, thumbnails


def test_classes_are_shown_in_equal_numbers_and_patients_once() -> None:
    chosen = choose_contact_cases(dataset(200), most=12)
    assert Counter(case.target for case in chosen) == {0: 6, 1: 6}
    assert len({case.patient for case in chosen}) == 12


def test_the_same_seed_draws_the_same_cases() -> None:
    data = dataset()
    assert choose_contact_cases(data, seed=3) == choose_contact_cases(data, seed=3)
    assert choose_contact_cases(data, seed=3) != choose_contact_cases(data, seed=4)


def test_few_cases_are_all_shown() -> None:
    data = dataset(5)
    assert {case.id for case in choose_contact_cases(data)} == {case.id for case in data.cases}


def test_cases_without_a_class_are_shown_as_such() -> None:
    data = dataset(2)
    case = replace(data.cases[0], target=None)
    assert thumbnails([(case, film(0))], data.classes)[0].label == "no class"


def test_boxes_are_drawn_on_whole_films_and_not_on_what_was_cut_around_them() -> None:
    case = dataset(1).cases[0]
    box = Box(20, 20, 120, 120)
    (ref,) = case.images.values()
    cut = replace(case, boxes=(box,), images={"image": replace(ref, crop=Crop(box))})
    classes = ("benign", "malignant")
    image = film(0)
    bare, cropped, whole = thumbnails(
        [(replace(case, boxes=()), image), (cut, image), (replace(case, boxes=(box,)), image)], classes
    )
    assert cropped.picture == bare.picture
    assert whole.picture != bare.picture


def test_the_classes_keep_the_order_of_the_data_set() -> None:
    data = dataset(8)
    small = thumbnails([(case, film(0)) for case in data.cases[:4]], ("normal", "abnormal"))
    assert [label for label, _ in by_class(small, ("normal", "abnormal"))] == ["normal", "abnormal"]
    assert sum(len(members) for _, members in by_class(small, ("normal", "abnormal"))) == 4
