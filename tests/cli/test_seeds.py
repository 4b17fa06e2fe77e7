"""`hounsfield seeds`: several bundles as one result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hounsfield.cli.main import main


def test_validation_figures_are_put_together(lesion_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", str(lesion_bundle), str(lesion_bundle), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["split"] == "val" and len(found["models"]) == 2
    area = found["scores"]["auc_roc"]
    assert area["spread"] == 0 and area["values"][0] == area["values"][1] == area["mean"]["value"]


def test_cases_are_read_with_all(lesion_bundle: Path, phantom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seeds", str(lesion_bundle), str(lesion_bundle), "--data", str(phantom / "masses.toml")]) == 0
    said = capsys.readouterr()
    assert "± seeds" in said.out and "AUC-ROC" in said.out and "twice" in said.err


def test_one_bundle_and_other_classes_are_refused(
    lesion_bundle: Path, film_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seeds", str(lesion_bundle)]) == 2
    assert main(["seeds", str(lesion_bundle), str(film_bundle)]) == 1
    assert "only models of the same classes" in capsys.readouterr().err
