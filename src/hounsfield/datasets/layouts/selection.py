"""Which rows of a table are used: repeated ones once, and those that [where] names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hounsfield.datasets.layouts.rows import Table
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError


def without_repeats(table: Table) -> tuple[Table, int, list[str]]:
    """The table with rows that are word for word the same once, how many rows have a copy, and a note of what went."""
    counts = Counter(tuple(row.values()) for row in table.rows)
    rows = tuple({tuple(row.values()): row for row in table.rows}.values())
    repeats = len(table.rows) - len(rows)
    notes = (
        [f"{counted(repeats, 'row')} of {table.path.name} left out, word for word the same as another"]
        if repeats
        else []
    )
    return replace(table, rows=rows), sum(count for count in counts.values() if count > 1), notes


def rows_where(table: Table, where: Mapping[str, Sequence[str]]) -> tuple[Table, list[str]]:
    """The rows whose cell in every given column is one of those listed for it, and a note for each column.

    Raises:
        DatasetError: A column does not exist, or no row is left.
    """
    notes = []
    for column, cells in where.items():
        table.need(column, "[where]")
        rows = tuple(row for row in table.rows if row[column] in cells)
        wanted = some([repr(cell) for cell in cells])
        if not rows:
            counts = Counter(row[column] for row in table.rows).most_common()
            found = some([f"{cell!r} ({counted(count, 'row')})" for cell, count in counts])
            raise DatasetError(
                f"{table.path}: [where] leaves no row, for none has {column} = {wanted}; the column holds {found}"
            )
        if left := len(table.rows) - len(rows):
            notes.append(f"{counted(left, 'row')} left out, for [where] keeps those with {column} = {wanted}")
        table = replace(table, rows=rows)
    return table, notes
