from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.datasets.case import Case, ImageRef
from hounsfield.datasets.stratify import Patient, deal, patients_of
from hounsfield.errors import SplitError

CLASSES = ("benign", "malignant")


def _patient(name: str, cases: int, *classes: int) -> Patient:
    return Patient(name, cases, frozenset(classes))


def test_patients_gather_their_cases_and_classes_in_order_of_their_ids() -> None:
    def case(number: int, patient: str, target: int | None) -> Case:
        return Case(str(number), patient, {"image": ImageRef(Path())}, target)

    cases = [case(0, "q", 1), case(1, "p", None), case(2, "q", 0)]
    assert patients_of(cases) == (_patient("p", 1), _patient("q", 2, 0, 1))
    assert [patient.worst for patient in patients_of(cases)] == [-1, 1]


def test_ten_patients_of_each_class_go_eight_one_one() -> None:
    patients = [_patient(f"{label}{number}", 1, label) for label in (0, 1) for number in range(10)]
    groups = deal(patients, (0.8, 0.1, 0.1), seed=3, classes=CLASSES)
    assert [Counter(name[0] for name in group) for group in groups] == [
        {"0": 8, "1": 8},
        {"0": 1, "1": 1},
        {"0": 1, "1": 1},
    ]


def test_the_seed_decides_and_the_order_of_patients_within_a_part_is_random() -> None:
    patients = [_patient(str(number), 1, number % 2) for number in range(60)]
    first = deal(patients, (0.5, 0.5), seed=0, classes=CLASSES)
    assert first == deal(patients, (0.5, 0.5), seed=0, classes=CLASSES)
    assert first != deal(patients, (0.5, 0.5), seed=1, classes=CLASSES)


def test_patients_with_many_cases_are_spread_over_the_parts() -> None:
    patients = [_patient(str(number), 10 if number < 20 else 1, number % 2) for number in range(200)]
    groups = deal(patients, (0.8, 0.1, 0.1), seed=0, classes=CLASSES)
    big = [sum(int(name) < 20 for name in group) for group in groups]
    assert big == [16, 2, 2]


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sets(st.integers(0, 2), max_size=3)), min_size=30, max_size=120),
    st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5), (0.2,) * 5]),
    st.integers(0, 2**31),
)
def test_every_patient_is_in_one_group_every_class_in_all_and_shares_are_kept(
    drawn: list[tuple[int, set[int]]], shares: tuple[float, ...], seed: int
) -> None:
    patients = [_patient(f"{number:03d}", cases, *classes) for number, (cases, classes) in enumerate(drawn)]
    counts = Counter(label for patient in patients for label in patient.classes)
    if counts and min(counts.values()) < 4 * len(shares):
        return
    groups = deal(patients, shares, seed=seed, classes=("a", "b", "c"))
    assert sorted(name for group in groups for name in group) == [patient.id for patient in patients]
    total = sum(patient.cases for patient in patients)
    strata = len({patient.worst for patient in patients})
    for group, share in zip(groups, shares, strict=True):
        members = [patient for patient in patients if patient.id in group]
        assert {label for patient in members for label in patient.classes} == set(counts)
        # in each stratum a group is at most one patient of six cases off, and may have been given one a class
        assert abs(sum(patient.cases for patient in members) - share * total) <= 6 * (strata + 2 * 3)


def test_a_class_with_one_patient_is_refused_with_the_number_needed() -> None:
    patients = [*(_patient(str(number), 1, 0) for number in range(20)), _patient("x", 5, 1)]
    with pytest.raises(SplitError, match="21 patients, only 1 with 'malignant': too few for 3 groups .* at least 3"):
        deal(patients, (0.8, 0.1, 0.1), seed=0, classes=CLASSES)


def test_three_patients_are_refused() -> None:
    patients = [_patient("a", 4, 0), _patient("b", 4, 1), _patient("c", 4, 0)]
    with pytest.raises(SplitError, match="3 patients, only 2 with 'benign', 1 with 'malignant': too few"):
        deal(patients, (0.8, 0.1, 0.1), seed=0, classes=CLASSES)


def test_three_patients_who_have_both_classes_are_enough() -> None:
    patients = [_patient(name, 4, 0, 1) for name in "abc"]
    assert sorted(map(len, deal(patients, (0.8, 0.1, 0.1), seed=0, classes=CLASSES))) == [1, 1, 1]
