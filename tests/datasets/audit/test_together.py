"""Patients who share an exposure stay on one side of every split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hounsfield.datasets.audit import Group, kept_together, validation_mended
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_folds, make_split


def _group(*cases: str) -> Group:
    return Group(cases, across=True, conflict=False)


def test_groups_that_share_a_patient_are_one_unit(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset([(f"c{n}", f"p{n // 2}", ("benign", "malignant")[n % 2]) for n in range(12)])
    joined = kept_together(dataset, [_group("c1", "c2"), _group("c3", "c4"), _group("c8", "c9")])
    units = {case.patient: case.unit for case in joined.cases}
    assert units == {"p0": "p0", "p1": "p0", "p2": "p0", "p3": "p3", "p4": "p4", "p5": "p5"}
    assert [case.patient for case in joined.cases] == [case.patient for case in dataset.cases]


def test_splits_and_folds_go_by_units(make_dataset: Callable[..., Dataset]) -> None:
    rows = [(f"c{n}", f"p{n}", ("benign", "malignant")[n % 2]) for n in range(60)]
    groups = [_group(f"c{n}", f"c{n + 30}") for n in range(30)]
    joined = kept_together(make_dataset(rows), groups)
    for seed in range(5):
        parts = make_split(joined, seed=seed).parts
        assert all(parts[one] == parts[other] for one, other in (group.cases for group in groups))
        folds = make_folds(joined, [case.id for case in joined.cases], folds=3, seed=seed)
        assert all(any(set(group.cases) <= set(fold) for fold in folds) for group in groups)
        kept = make_folds(joined, [case.id for case in joined.cases], folds=3, seed=seed, known={"p31": 2})
        assert {"c1", "c31"} <= set(kept[2])


def test_without_groups_nothing_changes(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset([("a", "p", "benign"), ("b", "q", "malignant")])
    assert kept_together(dataset, []) == dataset


def test_validation_cases_with_a_copy_in_train_go_there_and_test_cases_stay(
    make_dataset: Callable[..., Dataset],
) -> None:
    dataset = make_dataset([(f"c{n}", f"p{n}", ("benign", "malignant")[n % 2]) for n in range(12)])
    parts = ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    cases = tuple(replace(case, part=part) for case, part in zip(dataset.cases, parts, strict=True))
    joined = kept_together(replace(dataset, cases=cases), [_group("c0", "c6"), _group("c1", "c9"), _group("c7", "c8")])
    mended, moved = validation_mended(joined)
    assert moved == 1
    changed = {new.id: new.part for new, old in zip(mended.cases, cases, strict=True) if new.part != old.part}
    assert changed == {"c6": "train"}  # c1 and c9 are left for the audit to refuse


def test_parts_that_leak_for_the_most_part_are_left_to_be_refused(make_dataset: Callable[..., Dataset]) -> None:
    dataset = make_dataset([(f"c{n}", f"p{n}", ("benign", "malignant")[n % 2]) for n in range(6)])
    cases = tuple(
        replace(case, part=part) for case, part in zip(dataset.cases, ["train"] * 3 + ["val"] * 3, strict=True)
    )
    joined = kept_together(replace(dataset, cases=cases), [_group("c0", "c3"), _group("c1", "c4")])
    assert validation_mended(joined) == (joined, 0)
