"""Columns of a table as numbers beside an image: chosen from the cases learned from, encoded the same in reading."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.plan.schema import Column

_FEWEST = 3
"""A word that fewer cases have is treated as any other word."""


def choose_columns(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> tuple[Column, ...]:
    """How each column becomes numbers; a column that is empty, or the same everywhere, is left out.

    Args:
        names: Of the columns, in order.
        rows: The cells of the cases to learn from; "" where one is empty.
    """
    chosen = []
    for name in names:
        cells = [row[name] for row in rows if row.get(name)]
        if len(set(cells)) < 2:
            continue
        numbers = [number for cell in cells if (number := _number(cell)) is not None]
        if len(numbers) == len(cells):
            spread = float(np.std(numbers)) or 1.0
            chosen.append(Column(name=name, kind="number", mean=float(np.mean(numbers)), std=spread))
        else:
            common = [word for word, count in Counter(cells).most_common() if count >= _FEWEST]
            if common:
                chosen.append(Column(name=name, kind="category", values=tuple(sorted(common))))
    return tuple(chosen)


def encode(cells: Mapping[str, str], columns: Sequence[Column]) -> FloatArray:
    """(K,) float32: numbers with mean 0 and standard deviation 1, words as one of their values; NaN where unknown.

    A number that cannot be read counts as missing, a word that was not learned from as none of the others.
    """
    found: list[float] = []
    for column in columns:
        cell = cells.get(column.name, "")
        if column.kind == "number":
            number = _number(cell)
            found.append(math.nan if number is None else (number - column.mean) / column.std)
        elif cell:
            found += [float(cell == value) for value in column.values]
        else:
            found += [math.nan] * len(column.values)
    return np.asarray(found, dtype=np.float32)


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
