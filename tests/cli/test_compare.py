"""`hounsfield compare`: two bundles, by their validation figures or on given cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hounsfield.cli import compare as verb
from hounsfield.cli.main import main


def test_validation_figures_are_compared_without_data(
    lesion_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", str(lesion_bundle), str(lesion_bundle), "-o", str(tmp_path / "out"), "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["split"] == "val" and printed["differences"]["auc_roc"]["difference"]["value"] == 0
    assert printed["areas"] is None or printed["areas"]["p_value"] == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Both rank equally well" in page and "hounsfield compare" in page


def test_cases_are_read_with_both(lesion_bundle: Path, phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(lesion_bundle), str(lesion_bundle), str(phantom / "masses.toml")]) == 0
    said = capsys.readouterr().out
    assert "cases of" in said and "AUC-ROC: " in said and "difference 0.000 (0.000–0.000), p 1.000" in said


def test_bundles_of_other_classes_are_refused(
    lesion_bundle: Path, film_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(lesion_bundle), str(film_bundle)]) == 1
    assert "only models of the same classes can be compared" in capsys.readouterr().err
    assert main(["compare", str(lesion_bundle), str(film_bundle), "--seed", "-1"]) == 2


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["one", "two", "my data", "-o", "out", "--root", "there", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)
