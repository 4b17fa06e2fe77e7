"""Rows of a table that say the same."""

from __future__ import annotations

from hounsfield.datasets.audit.repeated_rows import judge_rows, repeated_rows
from hounsfield.datasets.layouts.rows import Table


def _table(header: str, *lines: str) -> Table:
    from pathlib import Path

    columns = tuple(header.split(","))
    return Table(Path("t.csv"), columns, tuple(dict(zip(columns, line.split(","), strict=True)) for line in lines))


def test_rows_under_another_name_and_part_are_the_same() -> None:
    table = _table(
        "id,age,stage,days,split", "1,60,2,100.5,train", "2,61,2,7.0,train", "3,60,2,100.5,test", "4,1,1,1.0,test"
    )
    found = repeated_rows(table)
    assert (found.rows, found.across, found.held_back, found.parts) == (2, 1, 2, "split")
    assert found.groups == ((0, 2),) and found.compared == ("age", "stage", "days")
    verdict, reasons = judge_rows(found, table)
    assert verdict == "refuse" and reasons[0].startswith("1 of 2 rows held back by the column 'split' have a copy")


def test_without_parts_repeated_rows_are_a_warning() -> None:
    table = _table("age,stage,days", "60,2,100", "60,2,100", "61,2,7", "60,2,100")
    found = repeated_rows(table)
    assert (found.rows, found.across, found.groups) == (3, 0, ((0, 1, 3),))
    assert judge_rows(found, table) == ("warn", ("3 of 4 rows (75%) say the same as another in every column",))


def test_a_clean_table_and_one_of_two_columns_are_clean() -> None:
    clean = _table("id,age,stage,days", "1,60,2,1.5", "2,60,2,2.5")
    assert judge_rows(repeated_rows(clean), clean) == ("clean", ())
    narrow = _table("name,class,split", "a,benign,train", "b,benign,train", "c,benign,train")
    assert repeated_rows(narrow).rows == 0


def test_a_small_test_part_that_is_all_in_train_is_refused() -> None:
    train = [f"{n}.jpg,{n}.5,2,{n % 7},train" for n in range(1000)]
    test = [f"again{n}.jpg,{n}.5,2,{n % 7},test" for n in range(10)]
    table = _table("image,age,stage,days,split", *train, *test)
    found = repeated_rows(table)
    assert (found.rows, found.across, found.held_back) == (20, 10, 10) and found.compared == ("age", "stage", "days")
    assert judge_rows(found, table)[0] == "refuse"
