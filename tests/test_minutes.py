"""What minutes buy: the plan's choice is compared on the same cases alone, and a missed aim is called so."""

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def minutes() -> ModuleType:
    before = sys.path.copy()
    sys.path.insert(0, str(BENCHMARKS))  # its neighbours are imported by name
    spec = importlib.util.spec_from_file_location("minutes", BENCHMARKS / "minutes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def row(asked_for: str, auc: float, **changed: Any) -> dict[str, Any]:
    usual = {"data": "films", "minutes": 5.0, "seed": 0, "processor": "one", "cases": 500, "measured_on": "val"}
    return usual | {"asked_for": asked_for, "auc": auc} | changed


def test_the_gap_is_to_the_best_candidate_on_the_same_cases_and_processor(minutes: ModuleType) -> None:
    own = row("auto", 0.90)
    rows = [own, row("a", 0.905), row("b", 0.80), row("c", 0.99, cases=50), row("d", 0.99, processor="other")]
    rows += [row("e", 0.99, minutes=1.0), row("f", 0.99, data="crops"), row("g", 0.99, measured_on="test")]
    assert minutes.gap(rows, own) == 0.005
    assert math.isnan(minutes.gap([own, row("c", 0.99, cases=50)], own))


def test_a_missed_aim_is_called_missed_with_four_digits(minutes: ModuleType) -> None:
    own = row("auto", 0.9182)
    assert minutes.verdict([own, row("a", 0.9283)], own) == (
        "films, 5 minutes: on the same 500 cases the plan's choice is 0.0101 below a, the only candidate (missed: at "
        "most 0.01 was aimed at)."
    )
    assert "0.0100 below a, the best of 2 candidates (aim met)." in minutes.verdict(
        [own, row("a", 0.9282), row("b", 0.5)], own
    )
    assert minutes.verdict([own], own) == ""


@pytest.mark.parametrize("cases", [50, 5000])
def test_nothing_is_claimed_over_candidates_that_were_measured_on_other_cases(minutes: ModuleType, cases: int) -> None:
    own = row("auto", 0.95)
    said = minutes.verdict([own, row("a", 0.90), row("b", 0.93, cases=cases)], own)
    assert "0.0500 above a, the only candidate." in said
    assert said.endswith(
        f"Not compared, for other cases were measured: b on {cases}; the plan's choice on 500. Whether the aim is "
        "met is not known."
    )
    assert "aim met" not in said


def test_the_page_says_what_its_rows_say(minutes: ModuleType) -> None:
    kept = json.loads((BENCHMARKS / "results" / "minutes.json").read_text(encoding="utf-8"))
    assert set(minutes.notes(kept["rows"])) <= set(kept["notes"])
    page = (BENCHMARKS / "results" / "minutes.md").read_text(encoding="utf-8")
    assert all(f"- {note}" in page for note in kept["notes"])
