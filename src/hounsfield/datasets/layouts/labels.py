"""The class of every row of a table: cells renamed, rows dropped, names put in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hounsfield.datasets.description import ClassSection
from hounsfield.datasets.layouts.classes import ordered, with_positive_last
from hounsfield.datasets.layouts.rows import Row, Table
from hounsfield.datasets.listing import counted, some
from hounsfield.errors import DatasetError

LabelledRow = tuple[Row, int | None]
"""A row and the index of its class."""

_EMPTY = ""
_EVERY_OTHER = "*"


@dataclass(frozen=True)
class Labels:
    """The labels of the rows that stay."""

    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    targets: tuple[int | None, ...]
    """One a row: index into `classes`, None where the cell is empty and says nothing."""
    notes: tuple[str, ...]


def read_labels(table: Table, section: ClassSection | None) -> Labels:
    """The labels of a table's rows; without a [class] section all rows stay and none has a label.

    A cell is first looked for in `drop`, then in `values`, and an empty one that is in neither is no label.

    Raises:
        DatasetError: The column does not exist, or cells are none of the names.
    """
    if section is None:
        return Labels((), table.rows, (None,) * len(table.rows), ())
    column = table.need(section.column, "[class] column")
    rows, words, dropped = [], [], Counter[str]()
    for row in table.rows:
        word = _renamed(row[column], section)
        if row[column] in section.drop or word in section.drop:
            dropped[row[column]] += 1
        else:
            rows.append(row)
            words.append(word)
    names = section.names if section.names is not None else ordered(word for word in words if word is not None)
    names = with_positive_last(names, section.positive)
    _refuse_strangers(table, section, rows, words, names)
    index = {name: number for number, name in enumerate(names)}
    targets = tuple(None if word is None else index[word] for word in words)
    notes = [
        f"{counted(count, 'row')} with {column} = {cell!r} left out, as [class] drop says"
        for cell, count in dropped.items()
    ]
    if None in targets:
        notes.append(f"{counted(targets.count(None), 'row')} with an empty {column}, and so without a class")
    return Labels(names, tuple(rows), targets, tuple(notes))


def _renamed(cell: str, section: ClassSection) -> str | None:
    if cell in section.values:
        return section.values[cell]
    if cell == _EMPTY:
        return None
    if section.names is not None and cell in section.names:
        return cell
    return section.values.get(_EVERY_OTHER, cell)


def _refuse_strangers(
    table: Table, section: ClassSection, rows: list[Row], words: list[str | None], names: tuple[str, ...]
) -> None:
    if len(set(names)) < len(names):
        raise DatasetError(f"[class] names has a name twice: {', '.join(names)}")
    strangers = Counter(
        row[section.column] for row, word in zip(rows, words, strict=True) if word is not None and word not in names
    )
    if strangers:
        listed = some([f"{cell!r} ({counted(count, 'row')})" for cell, count in strangers.most_common()])
        raise DatasetError(
            f"{table.path}: the column {section.column!r} holds {listed}, but the classes are {', '.join(names)}; "
            'say what they mean in [class] values, as "cell" = "name", or leave them out with [class] drop'
        )
