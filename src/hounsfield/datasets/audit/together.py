"""Patients who share an exposure are kept on one side of every split: under two names, they may be one.

Where the data's makers put some into train and some into val, the validation cases are moved to train, and fewer are
left to validate on. Their test part stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hounsfield.datasets.audit.audit import Group
from hounsfield.datasets.case import Dataset


def kept_together(dataset: Dataset, groups: Sequence[Group]) -> Dataset:
    """The data set in which all patients of a group of near duplicates, and of groups that share one, are one unit.

    Args:
        dataset: The cases.
        groups: As `audit_dataset` found them; those of one patient change nothing.
    """
    patient_of = {case.id: case.patient for case in dataset.cases}
    unit = {patient: patient for patient in patient_of.values()}

    def first(patient: str) -> str:
        while unit[patient] != patient:
            patient = unit[patient]
        return patient

    for group in groups:
        names = sorted({first(patient_of[case]) for case in group.cases})
        unit.update(dict.fromkeys(names, names[0]))
    shared = {first(patient) for patient in unit if unit[patient] != patient}
    cases = tuple(
        replace(case, together=first(case.patient)) if first(case.patient) in shared else case for case in dataset.cases
    )
    return replace(dataset, cases=cases)


def validation_mended(dataset: Dataset) -> tuple[Dataset, int]:
    """The data set with units that are in train and val, and not in test, wholly in train; and how many cases moved.

    Where less than half of the validation part would be left, nothing is moved: such parts were not made with care.

    Args:
        dataset: As `kept_together` gave it.
    """
    parts: dict[str, set[str]] = {}
    for case in dataset.cases:
        if case.part:
            parts.setdefault(case.unit, set()).add(case.part)
    moving = {unit for unit, own in parts.items() if own == {"train", "val"}}
    cases = tuple(
        replace(case, part="train") if case.unit in moving and case.part == "val" else case for case in dataset.cases
    )
    moved = sum(a.part != b.part for a, b in zip(cases, dataset.cases, strict=True))
    held = sum(case.part == "val" for case in dataset.cases)
    return (replace(dataset, cases=cases), moved) if 2 * moved <= held else (dataset, 0)
