"""Patients who share an exposure are kept on one side of every split: under two names, they may be one."""

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
