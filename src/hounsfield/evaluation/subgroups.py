"""The scores of the cases that share an attribute: a site, a view, an age group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    names = sorted({name for case in cases for name in attributes.get(case, {})})
    tables: list[list[Subgroup]] = []
    notes: list[str] = []
    for name in names:
        values = np.array([attributes.get(case, {}).get(name, "").strip() or NOT_STATED for case in cases])
        distinct = np.unique(values)
        if len(distinct) > MOST_VALUES:
            notes.append(f"No subgroups by {name}: it has {len(distinct)} values, more than {MOST_VALUES}.")
        elif len(distinct) > 1:
            table = [
                _subgroup(predictions, values == value, name, str(value), classes, resamples=resamples, seed=seed)
                for value in distinct
            ]
            tables.append(sorted(table, key=lambda group: (group.cases, group.value)))
    tables.sort(key=lambda table: (table[0].cases, table[0].attribute))
    return tuple(group for table in tables for group in table), tuple(notes)


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
    note = ""
    if part.patients < FEWEST_PATIENTS:
        note = f"Too small to score: {part.patients} of at least {FEWEST_PATIENTS} patients."
    elif len(present) < 2:
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
