"""evidence.json there and back, and what is refused on the way."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.errors import EvaluationError, FormatError
from hounsfield.evaluation import CaseResult, Evidence, Score, read_evidence, write_evidence

MakeEvidence = Callable[..., Evidence]
MakeResults = Callable[..., list[CaseResult]]


@pytest.fixture
def written(tmp_path: Path, make_evidence: MakeEvidence, make_results: MakeResults) -> tuple[Evidence, Path]:
    """Evidence with subgroups and notes, and the file it was written to."""
    results = make_results(60)
    attributes = {result.case: {"Sitz": "Köln" if n < 5 else "Ulm"} for n, result in enumerate(results)}
    evidence = make_evidence(results, attributes=attributes, notes=("Patients are unknown.",))
    path = tmp_path / "evidence.json"
    write_evidence(evidence, path)
    return evidence, path


def test_what_is_written_is_read_again_equal(written: tuple[Evidence, Path]) -> None:
    evidence, path = written
    assert read_evidence(path) == evidence


def test_the_file_is_plain_json_with_the_documented_names(written: tuple[Evidence, Path]) -> None:
    evidence, path = written
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain["format"] == "1"
    assert plain["scores"]["auc_roc"] == {
        "value": evidence.scores["auc_roc"].value,
        "low": evidence.scores["auc_roc"].low,
        "high": evidence.scores["auc_roc"].high,
    }
    assert set(plain["model"]) == {"name", "version", "sha256"}
    assert plain["subgroups"][0]["value"] == "Köln"


def test_the_file_can_be_read_by_a_person(written: tuple[Evidence, Path]) -> None:
    lines = written[1].read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('    {"case": ') for line in lines) == 60
    assert any(line.startswith('    "auc_roc": {"value": ') for line in lines)


def test_a_key_of_a_later_version_is_passed_over(written: tuple[Evidence, Path]) -> None:
    evidence, path = written
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["delong"], plain["scores"]["ece"] = {"p": 0.5}, {"value": 0.1, "low": 0.0, "high": 0.2, "method": "x"}
    path.write_text(json.dumps(plain), encoding="utf-8")
    read = read_evidence(path)
    assert read.scores["ece"] == Score(0.1, 0.0, 0.2)
    assert read.results == evidence.results


def test_nan_is_never_written(written: tuple[Evidence, Path]) -> None:
    evidence, path = written
    before = path.read_bytes()
    broken = replace(evidence, scores={**evidence.scores, "auc_roc": Score(math.nan, 0.1, 0.2)})
    with pytest.raises(EvaluationError, match=r"scores\.auc_roc\.value is nan"):
        write_evidence(broken, path)
    with pytest.raises(EvaluationError, match="seconds is inf"):
        write_evidence(replace(evidence, seconds=math.inf), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cases": 61}, r"class_counts \[30, 30\] do not add up to 61 cases"),
        ({"confusion": ((30, 0), (0, 29))}, "rows of confusion do not add up"),
        ({"results": ()}, "there are 0 results, expected one for each of the 60 cases"),
        ({"scores": {"brier": Score(0.1, 0.3, 0.2)}}, r"scores.brier: low 0.3 is above high 0.2"),
    ],
)
def test_parts_that_do_not_fit_together_are_neither_written_nor_read(
    written: tuple[Evidence, Path], change: dict[str, object], message: str
) -> None:
    evidence, path = written
    broken = replace(evidence, **change)  # type: ignore[arg-type]  # names and values of the fields above
    with pytest.raises(EvaluationError, match=message):
        write_evidence(broken, path)
    path.write_text(json.dumps(broken.as_json()), encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        read_evidence(path)


def test_a_curve_of_uneven_lengths_is_refused(written: tuple[Evidence, Path]) -> None:
    evidence, path = written
    short = replace(evidence.curves["roc"], low=(0.1,))
    with pytest.raises(EvaluationError, match=r"curves.roc: low has 1 numbers, x has"):
        write_evidence(replace(evidence, curves={"roc": short}), path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"format": "1"', '"format": "9"', "evidence format '9', expected '1'"),
        ('"seconds": 1.5', '"seconds": NaN', "NaN is not a JSON number"),
        ('"seconds": 1.5', '"seconds": "long"', "seconds: Input should be a valid number"),
        ('"task": ', '"job": ', "task: Field required"),
        ("{", "", "not valid JSON"),
    ],
)
def test_a_file_that_was_changed_is_refused_with_the_place_named(
    written: tuple[Evidence, Path], old: str, new: str, message: str
) -> None:
    path = written[1]
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormatError, match=message) as refusal:
        read_evidence(path)
    assert str(path) in str(refusal.value)


def test_a_missing_file_and_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read: No such file"):
        read_evidence(tmp_path / "evidence.json")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    with pytest.raises(FormatError, match="evidence format None"):
        read_evidence(tmp_path / "list.json")
