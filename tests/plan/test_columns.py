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


@pytest.mark.parametrize("word", ["nan", "NA", "n/a", "Unknown", "?", "none", " "])
def test_words_for_nothing_are_empty_cells(word: str) -> None:
    rows = [{"age": str(50 + n % 9) if n % 3 else word, "side": ("LEFT", "RIGHT", word)[n % 3]} for n in range(30)]
    age, side = choose_columns(["age", "side"], rows)
    assert (age.kind, side.values) == ("number", ("LEFT", "RIGHT"))
    assert all(map(math.isnan, encode({"age": word, "side": word}, (age, side))))


def test_a_word_that_was_learned_from_stays_one() -> None:
    assert encode({"calcification": "none"}, (Column(name="calcification", kind="category", values=("none",)),)) == [1]


def test_an_odd_cell_makes_no_words_of_numbers() -> None:
    rows = [{"age": str(40 + n)} for n in range(38)] + [{"age": "about 60"}, {"age": "60+"}]
    (age,) = choose_columns(["age"], rows)
    assert (age.kind, age.mean) == ("number", pytest.approx(58.5))
    assert math.isnan(encode({"age": "60+"}, (age,))[0])
    assert choose_columns(["age"], [{"age": "60"}] * 39 + [{"age": "x"}]) == ()
    (words,) = choose_columns(["age"], [{"age": "60"}] * 9 + [{"age": "old"}])
    assert (words.kind, words.values) == ("category", ("60",))


def test_a_number_far_out_ends_at_five_standard_deviations() -> None:
    assert encode({"age": "6000"}, (AGE,)).tolist() == [5.0]
    assert encode({"age": "-1e30"}, (AGE,)).tolist() == [-5.0]


def test_of_many_words_the_commonest_are_kept() -> None:
    rows = [{"maker": f"maker {n:02d}"} for n in range(30) for _ in range(3 + n)]
    (maker,) = choose_columns(["maker"], rows)
    assert maker.values == tuple(f"maker {n:02d}" for n in range(10, 30))
