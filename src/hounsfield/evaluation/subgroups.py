"""The scores of the cases that share an attribute: a site, a view, an age group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from hounsfield.arrays import BoolArray
from hounsfield.evaluation.evidence import Subgroup
from hounsfield.evaluation.measured import measured_scores
from hounsfield.evaluation.predictions import Predictions

FEWEST_PATIENTS = 10
"""A subgroup with fewer is listed without scores: a figure from so few would be read as more than it is."""

MOST_VALUES = 30
"""An attribute with more values is no grouping (an id, a date) and is left out."""

NOT_STATED = "not stated"
"""The value shown for cases that do not have the attribute."""


Column = tuple[str, Sequence[str]]
"""An attribute: its name, and the value of each of n cases, images or lesions."""


def subgroups_of(
    predictions: Predictions,
    cases: Sequence[str],
    *,
    classes: Sequence[str],
    attributes: Mapping[str, Mapping[str, str]],
    resamples: int,
    seed: int,
) -> tuple[tuple[Subgroup, ...], tuple[str, ...]]:
    """The subgroups, and a sentence for each attribute that was left out.

    Attributes stay together; within one, the smallest group comes first, and so does the attribute that has it.
    A group that is too small or has one class only is listed without scores, with a note. An attribute with one
    value is no grouping and is passed over.

    Args:
        predictions: n cases.
        cases: Their ids, in the same order.
        classes: Class names.
        attributes: Case id to attribute to value; cases and attributes may be missing.
        resamples: Bootstrap draws for the intervals.
        seed: Of the draws.
    """

    def subgroup(attribute: str, value: str, chosen: BoolArray) -> Subgroup:
        return _subgroup(predictions, chosen, attribute, value, classes, resamples=resamples, seed=seed)

    tables, notes = tables_of(columns_of(cases, attributes), subgroup)
    tables.sort(key=lambda table: (table[0].cases, table[0].attribute))
    return tuple(group for table in tables for group in table), tuple(notes)


def columns_of(cases: Sequence[str], attributes: Mapping[str, Mapping[str, str]]) -> list[Column]:
    """By name the attributes that any of the cases has, each with the value of every case."""
    names = sorted({name for case in cases for name in attributes.get(case, {})})
    return [(name, [attributes.get(case, {}).get(name, "").strip() or NOT_STATED for case in cases]) for name in names]


def tables_of(
    columns: Iterable[Column], subgroup: Callable[[str, str, BoolArray], Subgroup]
) -> tuple[list[list[Subgroup]], list[str]]:
    """For each attribute of several values its subgroups, the smallest first; and a sentence for each with too many.

    Args:
        columns: The attributes.
        subgroup: Measures those where the third argument, (n,), is true: of an attribute, which has this value there.
    """
    tables: list[list[Subgroup]] = []
    notes: list[str] = []
    for name, cells in columns:
        values = np.array(cells)
        distinct = np.unique(values)
        if len(distinct) > MOST_VALUES:
            notes.append(f"No subgroups by {name}: it has {len(distinct)} values, more than {MOST_VALUES}.")
        elif len(distinct) > 1:
            own = [subgroup(name, str(value), values == value) for value in distinct]
            tables.append(sorted((one for one in own if one.cases), key=lambda group: (group.cases, group.value)))
    return tables, notes


def too_small(patients: int) -> str:
    """Why a subgroup of so few patients is not scored; empty where they are enough."""
    if patients >= FEWEST_PATIENTS:
        return ""
    return f"Too small to score: {patients} of at least {FEWEST_PATIENTS} patients."


def _subgroup(
    predictions: Predictions,
    chosen: BoolArray,
    attribute: str,
    value: str,
    classes: Sequence[str],
    *,
    resamples: int,
    seed: int,
) -> Subgroup:
    part = predictions[chosen]
    present = np.unique(part.target)
    note = too_small(part.patients)
    if not note and len(present) < 2:
        note = f"Not scored: all cases are {classes[int(present[0])]}."
    measured = None if note else measured_scores(part, classes=classes, resamples=resamples, seed=seed)
    return Subgroup(
        attribute=attribute,
        value=value,
        cases=part.cases,
        patients=part.patients,
        positives=int(np.count_nonzero(part.target)),
        scores=measured.scores if measured else {},
        note=" ".join(measured.notes) if measured else note,
    )


def age_group(age_years: float | None) -> str:
    """The decade of life an age falls in, "50-59"; from 90 on "90+", empty when the age is not known."""
    if age_years is None or not np.isfinite(age_years) or age_years < 0:
        return ""
    if age_years >= 90:
        return "90+"
    decade = int(age_years // 10) * 10
    return f"{decade:02d}-{decade + 9:02d}"
