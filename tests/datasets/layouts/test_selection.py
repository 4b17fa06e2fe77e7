from pathlib import Path

import pytest

from hounsfield.datasets.layouts.rows import Table
from hounsfield.datasets.layouts.selection import rows_where
from hounsfield.errors import DatasetError

CELLS = [("a", "0", "US"), ("b", "1", "US"), ("c", "0", "MG"), ("d", "", "US")]
TABLE = Table(
    Path("t.csv"),
    ("n", "conflict", "kind"),
    tuple(dict(zip(("n", "conflict", "kind"), row, strict=True)) for row in CELLS),
)


def test_rows_are_kept_by_their_cells_and_the_others_counted() -> None:
    table, notes = rows_where(TABLE, {"conflict": ["0"], "kind": ["US", "MG"]})
    assert [row["n"] for row in table.rows] == ["a", "c"]
    assert notes == ["2 rows left out, for [where] keeps those with conflict = '0'"]
    table, notes = rows_where(TABLE, {"conflict": ["", "1"], "kind": ["US"]})
    assert [row["n"] for row in table.rows] == ["b", "d"]
    table, notes = rows_where(TABLE, {"conflict": ["0"], "kind": ["US"]})
    assert [row["n"] for row in table.rows] == ["a"]
    assert notes[1] == "1 row left out, for [where] keeps those with kind = 'US'"


def test_nothing_is_left_out_without_a_wish() -> None:
    assert rows_where(TABLE, {}) == (TABLE, [])


def test_an_unknown_column_and_a_wish_that_no_row_meets_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"t\.csv: no column 'conflicts' for \[where\]; columns: n, conflict, kind"):
        rows_where(TABLE, {"conflicts": ["0"]})
    with pytest.raises(
        DatasetError,
        match=r"leaves no row, for none has conflict = 'no'; the column holds '0' \(2 rows\), '1' \(1 row\)",
    ):
        rows_where(TABLE, {"conflict": ["no"]})
