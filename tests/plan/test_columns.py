"""Columns of a table become numbers: chosen from what is there, unknown where nothing is."""

import math

import numpy as np
import pytest

from hounsfield.plan.columns import choose_columns, encode
from hounsfield.plan.schema import Column, Input

AGE = Column(name="age", kind="number", mean=60.0, std=10.0)
SIDE = Column(name="side", kind="category", values=("LEFT", "RIGHT"))


def test_numbers_are_standardised_and_words_stand_beside_each_other() -> None:
    assert encode({"age": "70", "side": "RIGHT"}, (AGE, SIDE)).tolist() == [1.0, 0.0, 1.0]
    assert Input(shape=(8, 8), columns=(AGE, SIDE)).shown_channels == 4


def test_what_is_not_known_is_nan_and_a_new_word_is_none_of_the_others() -> None:
    assert all(map(math.isnan, encode({}, (AGE, SIDE))))
    assert all(map(math.isnan, encode({"age": "about 60", "side": ""}, (AGE, SIDE))))
    assert encode({"side": "MIDDLE"}, (SIDE,)).tolist() == [0.0, 0.0]


def test_each_column_is_what_its_cells_are() -> None:
    rows = [
        {"age": str(50 + n), "side": "LEFT" if n % 2 else "RIGHT", "same": "x", "empty": "", "odd": f"word {n}"}
        for n in range(20)
    ]
    rows[3]["age"] = rows[4]["side"] = ""
    age, side = choose_columns(["age", "side", "same", "empty", "odd"], rows)
    assert (age.name, age.kind, side.kind, side.values) == ("age", "number", "category", ("LEFT", "RIGHT"))
    known = [50 + n for n in range(20) if n != 3]
    assert (age.mean, age.std) == (pytest.approx(np.mean(known)), pytest.approx(np.std(known)))
