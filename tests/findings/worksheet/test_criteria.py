"""Criteria as a surgeon writes them, and what is said of those that cannot be used."""

from pathlib import Path

import pytest

from hounsfield.errors import CriteriaError
from hounsfield.findings.worksheet import criteria_from_text, read_criteria
from hounsfield.findings.worksheet.criteria import MEASURES

GOOD = """\
[[criterion]]
name = "No contact with bone"
measure = "contact"
structure = "bone"
most_mm2 = 0
[[criterion]]
name = "10 mm to skin"
measure = "distance"
structure = "skin"
from = "inside"
least_mm = 10
[[criterion]]
name = "Enough is left"
measure = "remaining_volume"
structure = "liver"
least_percent = 60
margin_mm = 10
[[criterion]]
name = "Vessel less than half encased"
measure = "contact_arc"
structure = "artery"
most_degrees = 180
[[criterion]]
name = "Smaller than 5 cm"
measure = "long_axis"
most_mm = 50
[[criterion]]
name = "Of a size"
measure = "volume"
least_ml = 1
most_ml = 200
"""


def test_every_criterion_has_its_limits_in_its_unit() -> None:
    found = criteria_from_text(GOOD).criterion
    assert [(one.least, one.most, one.unit) for one in found] == [
        (None, 0, "mm2"), (10, None, "mm"), (60, None, "percent"), (None, 180, "degrees"), (None, 50, "mm"),
        (1, 200, "ml"),
    ]  # fmt: skip


def one(**changed: str) -> str:
    values = {"name": '"10 mm to skin"', "measure": '"distance"', "structure": '"skin"', "least_mm": "10"} | changed
    lines = [f"{key} = {value}" for key, value in values.items() if value]
    return "[[criterion]]\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            one(least_cm="1"),
            'criterion 1 "10 mm to skin": unknown key least_cm; known here: name, measure, structure, from',
        ),
        (one(measure='"distanz"'), "there is no measure 'distanz'; known: distance, contact, contact_arc"),
        (one(measure=""), 'criterion 1 "10 mm to skin": has no measure; known: distance'),
        (one(least_mm=""), 'criterion 1 "10 mm to skin": it has no limit; give least_mm or most_mm'),
        (one(least_mm="-1"), 'criterion 1 "10 mm to skin": least_mm: Input should be greater than or equal to 0'),
        (one(most_mm="5"), "least_mm is above most_mm, so that nothing can meet it"),
        (
            one(side='"inside"'),
            "unknown key side; known here: name, measure, structure, from",
        ),
        (one(**{"from": '"within"'}), "criterion 1 \"10 mm to skin\": from: Input should be 'outside' or 'inside'"),
        (one(structure=""), 'criterion 1 "10 mm to skin": structure: Field required'),
        (one(name='""'), "criterion 1: name: String should have at least 1 character"),
        (one() + "\n[criteria]\na = 1", "unknown key criteria; a file of criteria holds tables called [[criterion]]"),
        ("", "it holds no criterion; write one as a table called [[criterion]]"),
        ("criterion = 3", "it holds no criterion"),
        ("criterion = [3]", "criterion 1"),
        ("criterion = {", "is not valid TOML"),
    ],
)
def test_what_cannot_be_used_is_named_with_file_and_criterion(text: str, sentence: str) -> None:
    with pytest.raises(CriteriaError) as raised:
        criteria_from_text(text, name="wishes.toml")
    assert str(raised.value).startswith("wishes.toml") and sentence in str(raised.value)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CriteriaError, match=r"cannot read the criteria .*none\.toml"):
        read_criteria(tmp_path / "none.toml")


def test_every_measure_of_the_documentation_is_known() -> None:
    page = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text(encoding="utf-8")
    assert [name for name in MEASURES if f"`{name}`" not in page] == []
