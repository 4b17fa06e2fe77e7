"""Rows of a table that say the same: a patient written down twice, or a table drawn from a smaller one.

Names and parts are left out of the comparison: a row that was given a new number, or a place in another part of the
split, is still the same row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from hounsfield.datasets.audit.verdict import MOST_LEAKING, Verdict
from hounsfield.datasets.layouts.parts import known_part
from hounsfield.datasets.layouts.rows import Table
from hounsfield.datasets.listing import counted

_NAMES = 0.95
"""Share of the rows with a cell of their own, from which on a column names them."""

_NUMBER = re.compile(r"-?\d+([.,]\d+)?(e[+-]?\d+)?", re.IGNORECASE)

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
    """Rows held back, in val or test, that have a copy in another part."""
    held_back: int
    """Rows of val and test."""


def repeated_rows(table: Table) -> RepeatedRows:
    """The rows of a table that say the same in every column that is neither a name nor a part."""
    parts = next((name for name in table.columns if all(known_part(row[name]) for row in table.rows)), "")
    compared = tuple(name for name in table.columns if name != parts and not _is_name(table, name))
    if len(compared) < FEWEST_COLUMNS:
        return RepeatedRows(0, (), compared, parts, 0, 0)
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, row in enumerate(table.rows):
        places[tuple(row[name] for name in compared)].append(number)
    groups = sorted((tuple(group) for group in places.values() if len(group) > 1), key=len, reverse=True)
    return RepeatedRows(
        rows=sum(map(len, groups)),
        groups=tuple(groups),
        compared=compared,
        parts=parts,
        across=sum(
            _held_back(table, number, parts) for group in groups if _torn(table, group, parts) for number in group
        ),
        held_back=sum(_held_back(table, number, parts) for number in range(len(table.rows))),
    )


def _is_name(table: Table, column: str) -> bool:
    """Whether nearly every row has a cell of its own, and they are no measured values, which have decimals."""
    cells = [row[column] for row in table.rows]
    measured = all(_NUMBER.fullmatch(cell) for cell in cells) and any(not cell.isdecimal() for cell in cells)
    return len(set(cells)) >= _NAMES * len(cells) and not measured


def _held_back(table: Table, number: int, parts: str) -> bool:
    return bool(parts) and known_part(table.rows[number][parts]) != "train"


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
            f"{found.across} of {counted(found.held_back, 'row')} held back by the column {found.parts!r} have a copy "
            "in another part: what is measured there is memory",
        )
    refused = found.across > MOST_LEAKING * found.held_back
    return ("refuse" if refused else "warn"), tuple(reasons)
