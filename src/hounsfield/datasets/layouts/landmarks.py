"""The landmarks whose places a row of a table gives as numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hounsfield.datasets.layouts.boxes import number
from hounsfield.datasets.layouts.rows import Row, Table
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Point

Places = Mapping[str, str | tuple[str, ...]]
"""By landmark: a place on a mask in words, or the columns of x, y and, of volumes, z."""


def described_places(places: Places) -> dict[str, str]:
    """As `Dataset.places`: the words of places on a mask, and "" for those that a table gives."""
    return {name: place if isinstance(place, str) else "" for name, place in places.items()}


def need_landmarks(places: Places, table: Table) -> None:
    """Accept columns that are there.

    Raises:
        DatasetError: One is not.
    """
    for name, columns in places.items():
        for column in () if isinstance(columns, str) else columns:
            table.need(column, f"[landmarks] {name}")


def points_of_rows(places: Places, rows: Sequence[Row], table: Table) -> tuple[Point, ...]:
    """The landmarks of a case; one whose cells are empty is not there.

    Raises:
        DatasetError: A cell is no finite number, some of the cells of a landmark are empty, or rows contradict each
            other.
    """
    found = []
    for name, columns in places.items():
        if isinstance(columns, str):
            continue
        of_rows = [[number(row, column, table) for column in columns] for row in rows]
        there = [values for values in of_rows if any(value is not None for value in values)]
        if not there:
            continue
        known = there[0]
        if any(values != known for values in there):
            raise DatasetError(
                f"{table.path}: rows of one case have the landmark {name!r} at {known} and {there[-1]}: rows of "
                "one case must agree"
            )
        values = [value for value in known if value is not None and math.isfinite(value)]
        if len(values) < len(columns):
            raise DatasetError(
                f"{table.path}: the landmark {name!r} of a row has {dict(zip(columns, known, strict=True))}; give a "
                "number in each of its columns, or in none"
            )
        x, y, z = (*values, 0.0)[:3]
        found.append(Point(x + 0.5, y + 0.5, z + 0.5, name))  # the middle of a pixel lies half a pixel past its index
    return tuple(found)
