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

_MOST = 20
"""As many words of a column become numbers, the commonest."""

_GRADES = 8
"""Different whole numbers, at most, of a column of grades."""

_NUMBERS = 0.95
"""A column of which at least this share of the cells are numbers is one of numbers; the other cells count as empty."""

_FARTHEST = 5.0
"""Numbers end this many standard deviations from the mean: a slip of the pen must not outshout the image."""

_EMPTY = frozenset({"", "nan", "na", "n/a", "unknown", "?", "none", "ambiguous"})
"""What an empty cell may say, in any letters."""


def is_known(cell: str) -> bool:
    """Whether a cell says something, and not that it is empty."""
    return cell.strip().casefold() not in _EMPTY


def choose_columns(
    names: Sequence[str], rows: Sequence[Mapping[str, str]], *, grades: bool = False
) -> tuple[Column, ...]:
    """How each column becomes numbers; a column that is empty, or the same everywhere, is left out.

    Args:
        names: Of the columns, in order.
        rows: The cells of the cases to learn from; "" or a word such as "unknown" where one is empty.
        grades: Whether a few whole numbers, such as BI-RADS 0 to 6, are words, for 0 need not be less than 1.
    """
    chosen = []
    for name in names:
        cells = [cell for row in rows if is_known(cell := row.get(name, ""))]
        if len(set(cells)) < 2:
            continue
        numbers = [number for cell in cells if (number := _number(cell)) is not None]
        graded = grades and len(set(cells)) <= _GRADES and all(cell.isdecimal() for cell in cells)
        if len(numbers) >= _NUMBERS * len(cells) and not graded:
            if len(set(numbers)) > 1:
                chosen.append(
                    Column(name=name, kind="number", mean=float(np.mean(numbers)), std=float(np.std(numbers)))
                )
        elif common := [word for word, count in Counter(cells).most_common(_MOST) if count >= _FEWEST]:
            chosen.append(Column(name=name, kind="category", values=tuple(sorted(common))))
    return tuple(chosen)


def encode(cells: Mapping[str, str], columns: Sequence[Column]) -> FloatArray:
    """(K,) float32: numbers with mean 0 and standard deviation 1, words as one of their values; NaN where unknown.

    A number that cannot be read counts as missing, one far out as 5 standard deviations from the mean, and a word that
    was not learned from as none of the others.
    """
    found: list[float] = []
    for column in columns:
        cell = cells.get(column.name, "")
        if column.kind == "number":
            number = _number(cell)
            away = math.nan if number is None else (number - column.mean) / column.std
            found.append(float(np.clip(away, -_FARTHEST, _FARTHEST)))
        elif is_known(cell) or cell in column.values:
            found += [float(cell == value) for value in column.values]
        else:
            found += [math.nan] * len(column.values)
    return np.asarray(found, dtype=np.float32)


def unknown_columns(cells: Mapping[str, str], columns: Sequence[Column]) -> list[str]:
    """Names of the columns that are encoded as unknown."""
    return [column.name for column in columns if np.isnan(encode(cells, (column,))).all()]


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
