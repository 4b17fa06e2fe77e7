"""docs/evidence.md, its example and its schema say what the code does."""

import json
import re
import runpy
from dataclasses import fields
from pathlib import Path

import pytest

from hounsfield.evaluation import Attainable, CaseResult, Curve, Evidence, Score, Sets, Subgroup, read_evidence
from hounsfield.evaluation.evidence import (
    Detected,
    DetectionEvidence,
    ImageResult,
    LabelScores,
    MatchedInstances,
    OutlinedImage,
    OutlinedLabel,
    SegmentationEvidence,
)
from hounsfield.evaluation.scores import SCORES
from hounsfield.evaluation.store import evidence_schema
from hounsfield.findings import Box, ModelIdentity

DOCS = Path(__file__).parents[2] / "docs"


def keys_below(heading: str) -> list[str]:
    """The first column of the table below a heading of the page."""
    page = (DOCS / "evidence.md").read_text(encoding="utf-8")
    section = page.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "documented"),
    [
        ("### Top", Evidence),
        ("### A score", Score),
        ("### A wish", Attainable),
        ("### The sets", Sets),
        ("### A curve", Curve),
        ("### A subgroup", Subgroup),
        ("### A result", CaseResult),
        ("### The detection", DetectionEvidence),
        ("### An image", ImageResult),
        ("### A place", Detected),
        ("### The segmentation", SegmentationEvidence),
        ("### A label", LabelScores),
        ("### An outlined image", OutlinedImage),
        ("### An outlined label", OutlinedLabel),
        ("### Objects told apart", MatchedInstances),
        ("### A box", Box),
        ("### The model", ModelIdentity),
    ],
)
def test_the_page_names_every_key_and_no_other(heading: str, documented: type) -> None:
    assert keys_below(heading) == [field.name for field in fields(documented)]


def test_the_page_names_every_score() -> None:
    assert keys_below("## Scores") == list(SCORES)


def test_the_example_is_what_the_code_makes() -> None:
    stored = read_evidence(DOCS / "evidence-example.json")
    made: Evidence = runpy.run_path(str(DOCS / "_scripts" / "evidence.py"))["example"]()
    plain, again = stored.as_json(), made.as_json()
    assert list(plain) == list(again)
    for key in set(plain) - {"scores", "curves", "subgroups", "attainable", "sets"}:
        assert plain[key] == again[key], key
    assert set(stored.curves) == set(made.curves) == set(keys_below("## Curves"))
    for name, score in made.scores.items():
        assert stored.scores[name].value == pytest.approx(score.value)
        assert stored.scores[name].low == pytest.approx(score.low, abs=0.03)  # NumPy may change its draws
        assert stored.scores[name].high == pytest.approx(score.high, abs=0.03)
    for name, curve in made.curves.items():
        assert stored.curves[name].y == pytest.approx(curve.y)


def test_the_schema_has_the_keys_of_the_code() -> None:
    stored = json.loads((DOCS / "evidence.schema.json").read_text(encoding="utf-8"))
    made = evidence_schema()
    assert shape(stored) == shape(made)
    assert {name: shape(part) for name, part in stored["$defs"].items()} == {
        name: shape(part) for name, part in made["$defs"].items()
    }


def shape(schema: dict[str, object]) -> tuple[list[str], list[str]]:
    """Keys and required keys of a part of a schema."""
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    return sorted(properties), sorted(required)
