"""Several data sets as one: what one lacks, such as films without a lesion, another may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.listing import counted
from hounsfield.errors import DatasetError


def joined(first: Dataset, others: Sequence[Dataset]) -> Dataset:
    """The cases of all, under the name, classes and columns of the first.

    Cases and patients of the others have the name of their data set before their own. Where a case names no site, its
    data set is one. Columns that another does not have are empty there.

    Raises:
        DatasetError: Another has a class, or views or channels, that the first has not, or other labels or landmarks.
    """
    cases = [_of_site(case, first.name) for case in first.cases]
    notes = list(first.notes)
    _require_parts([first, *others])
    for other in others:
        _require_fitting(first, other)
        notes += _same_patients(first, other)
        cases += [_taken(case, other, first) for case in other.cases]
        notes += [f"{other.name}: {note}" for note in other.notes]
        notes.append(f"with {counted(len(other.cases), 'case')} of {other.name}")
    return replace(
        first,
        cases=tuple(cases),
        notes=tuple(notes),
        patients_known=first.patients_known and all(other.patients_known for other in others),
        modality=first.modality if all(other.modality == first.modality for other in others) else "",
        repeated_rows=first.repeated_rows + sum(other.repeated_rows for other in others),
    )


def _require_fitting(first: Dataset, other: Dataset) -> None:
    if odd := [name for name in other.classes if name not in first.classes]:
        raise DatasetError(
            f"{other.name} has the classes {', '.join(odd)}, which {first.name} has not "
            f"({', '.join(first.classes) or 'none'}): name them alike in their descriptions ([class] values)"
        )
    if other.views != first.views:
        raise DatasetError(
            f"{other.name} has the views {', '.join(other.views)}, and {first.name} {', '.join(first.views)}: data "
            "sets are taken together whose cases have the same images"
        )
    if list(other.channels) != list(first.channels):
        raise DatasetError(
            f"{other.name} has the channels {', '.join(other.channels) or '(none)'}, and {first.name} "
            f"{', '.join(first.channels) or '(none)'}: name the same, in the same order, in both descriptions"
        )
    for what, ours, theirs in (
        ("[labels]", dict(first.numbers), dict(other.numbers)),
        ("unlabelled", first.unlabelled, other.unlabelled),
        ("others_are_nothing", first.others_are_nothing, other.others_are_nothing),
        ("[landmarks]", dict(first.places), dict(other.places)),
    ):
        if theirs and theirs != ours:
            raise DatasetError(
                f"{what} of {other.name} says something else than that of {first.name}, and a number on a mask, or a "
                "place, would mean two things: make them alike in both descriptions, and on the masks"
            )


def _require_parts(datasets: Sequence[Dataset]) -> None:
    """Accept data sets of which all have parts that their makers chose, or none.

    Raises:
        DatasetError: Some have.
    """
    chosen = [data.name for data in datasets if any(case.part for case in data.cases)]
    if chosen and len(chosen) < len(datasets):
        without = ", ".join(data.name for data in datasets if data.name not in chosen)
        raise DatasetError(
            f"{', '.join(chosen)} has parts that its makers chose, and {without} has none: take them together without "
            "parts ([split] fractions in place of a column), or give all of them a column"
        )


def _same_patients(first: Dataset, other: Dataset) -> list[str]:
    """A warning where patients of both have the same ids: here they count as different people."""
    if not (first.patients_known and other.patients_known):
        return []
    shared = {case.patient for case in first.cases} & {case.patient for case in other.cases}
    if not shared:
        return []
    return [
        f"{counted(len(shared), 'patient id')} of {other.name} are in {first.name} too, and count as other people; if "
        "they are the same, figures are too good: give both in one table"
    ]


def _taken(case: Case, other: Dataset, first: Dataset) -> Case:
    """A case of another data set as one of the first."""
    target = None if case.target is None else first.classes.index(other.classes[case.target])
    return _of_site(
        replace(
            case,
            id=f"{other.name}/{case.id}",
            patient=f"{other.name}/{case.patient}",
            origin=other.name,
            together=f"{other.name}/{case.together}" if case.together else "",
            target=target,
            columns={name: case.columns.get(name, "") for name in first.inputs},
            auxiliary={name: case.auxiliary.get(name, "") for name in first.auxiliary},
        ),
        other.name,
    )


def _of_site(case: Case, name: str) -> Case:
    return case if case.site else replace(case, site=name)
