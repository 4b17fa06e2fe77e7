"""`hounsfield recalibrate`: the same networks, other thresholds; too few cases refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from hounsfield.bundle import read_bundle
from hounsfield.cli import recalibrate as verb
from hounsfield.cli.main import main
from hounsfield.evaluation.store import read_evidence


def test_a_new_bundle_answers_by_local_cases(
    film_bundle: Path, phantom: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "local"
    words = ["recalibrate", str(film_bundle), str(phantom / "films.toml"), "--root", str(elsewhere), "-o", str(new)]
    assert main([*words, "--threshold", "sensitivity >= 0.95"]) == 0
    said = capsys.readouterr()
    assert "before" in said.out and f"bundle: {new}" in said.out
    assert "Before, with the threshold" in said.err and "chosen on other patients" in said.err
    before, after = read_bundle(film_bundle), read_bundle(new)
    assert (new / "weights.safetensors").read_bytes() == (film_bundle / "weights.safetensors").read_bytes()
    assert after.identity.sha256 != before.identity.sha256
    assert after.operating.threshold_from.startswith("sensitivity>=0.95 on 64 cases")
    assert after.plan.decision.threshold == "sensitivity>=0.95"
    assert "64 cases of 16 patients of phantom_films" in after.training.recalibrated
    evidence = read_evidence(new / "evidence.json")
    assert (evidence.split, evidence.cases, evidence.model) == ("recalibration", 64, after.identity)
    assert "recalibrate" in (new / "report.html").read_text(encoding="utf-8")
    assert "Recalibrated on 64 cases" in (new / "card.md").read_text(encoding="utf-8")
    # the local cases chose the operating point, so they are no test of it
    assert main(["evaluate", str(new), str(phantom / "films.toml"), "--root", str(elsewhere)]) == 1
    assert "trained or validated on every patient" in capsys.readouterr().err


def test_a_bundle_may_be_replaced_by_its_recalibrated_self_only_when_asked(
    film_bundle: Path, phantom: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "local"
    words = ["recalibrate", str(film_bundle), str(phantom / "films.toml"), "--root", str(elsewhere), "-o", str(new)]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["split"] == "recalibration"
    assert main(words) == 1
    assert "is a finished bundle" in capsys.readouterr().err


def only(elsewhere: Path, malignant: int, benign: int) -> None:
    """Keep as many films of each class."""
    path = elsewhere / "films.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    kept = [row for row in rows if row["any_malignant"] == "1"][:malignant]
    kept += [row for row in rows if row["any_malignant"] == "0"][:benign]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)


@pytest.mark.parametrize(("malignant", "benign"), [(4, 4), (0, 40), (9, 40)])
def test_too_few_cases_or_one_class_are_refused_before_any_is_read(
    film_bundle: Path,
    phantom: Path,
    elsewhere: Path,
    tmp_path: Path,
    malignant: int,
    benign: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    only(elsewhere, malignant, benign)
    words = ["recalibrate", str(film_bundle), str(phantom / "films.toml"), "--root", str(elsewhere)]
    assert main([*words, "-o", str(tmp_path / "local")]) == 1
    said = capsys.readouterr().err
    assert f"{benign} not malignant, {malignant} malignant" in said and "at least 30 are needed" in said
    assert not (tmp_path / "local").exists()


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["one", "my data", "-o", "out", "--root", "there", "--threshold", "youden", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)
