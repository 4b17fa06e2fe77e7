"""Rows of a table that say the same: a patient written down twice, or a table drawn from a smaller one.

Names and parts are left out of the comparison: a row that was given a new number, or a place in another part of the
split, is still the same row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hounsfield.datasets.audit.verdict import MOST_LEAKING, Verdict
from hounsfield.datasets.layouts.parts import known_part
from hounsfield.datasets.layouts.rows import Table
from hounsfield.datasets.listing import counted

FEWEST_COLUMNS = 3
"""Columns that are compared, below which equal rows mean nothing."""


@dataclass(frozen=True)
class RepeatedRows:
    """Rows that are the same as another."""

    rows: int
    """All that have a copy, each counted."""
    groups: tuple[tuple[int, ...], ...]
    """Row numbers, from 0, that say the same; the largest groups first."""
    compared: tuple[str, ...]
    """Columns that were."""
    parts: str
    """The column that says which part a row is in; empty where there is none."""
    across: int
    """Rows with a copy in another part."""


def repeated_rows(table: Table) -> RepeatedRows:
    """The rows of a table that say the same in every column that is neither a name nor a part."""
    parts = next((name for name in table.columns if all(known_part(row[name]) for row in table.rows)), "")
    compared = tuple(name for name in table.columns if name != parts and not _is_name(table, name))
    if len(compared) < FEWEST_COLUMNS:
        return RepeatedRows(0, (), compared, parts, 0)
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(table.rows):
        places[tuple(row[name] for name in compared)].append(number)
    groups = sorted((tuple(group) for group in places.values() if len(group) > 1), key=len, reverse=True)
    return RepeatedRows(
        rows=sum(map(len, groups)),
        groups=tuple(groups),
        compared=compared,
        parts=parts,
        across=sum(len(group) for group in groups if _torn(table, group, parts)),
    )


def _is_name(table: Table, column: str) -> bool:
    """Whether every row has a cell of its own, of letters or a whole number."""
    cells = [row[column] for row in table.rows]
    return len(set(cells)) == len(cells) and not any("." in cell for cell in cells)


def _torn(table: Table, group: Sequence[int], parts: str) -> bool:
    return bool(parts) and len({table.rows[number][parts] for number in group}) > 1


def judge_rows(found: RepeatedRows, table: Table) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on a table, and why."""
    if not found.rows:
        return "clean", ()
    share = found.rows / len(table.rows)
    reasons = [f"{found.rows} of {len(table.rows)} rows ({share:.0%}) say the same as another in every column"]
    if found.across:
        reasons.insert(
            0,
            f"{counted(found.across, 'row')} have a copy in another part of the column {found.parts!r}: what is "
            "measured there is memory",
        )
    refused = found.across > MOST_LEAKING * len(table.rows)
    return ("refuse" if refused else "warn"), tuple(reasons)
