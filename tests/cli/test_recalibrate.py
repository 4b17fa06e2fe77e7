"""`hounsfield recalibrate`: the same networks, other thresholds; too few cases refused."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.bundle import read_bundle
from hounsfield.cli import recalibrate as verb
from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.datasets.phantom import write_phantom
from hounsfield.evaluation.store import read_evidence
from hounsfield.reading.evaluate import evaluate


@pytest.fixture(scope="module")
def phantom_of_others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of forty other women. Not to be changed."""
    return write_phantom(tmp_path_factory.mktemp("others") / "phantom", women=40, seed=5, size=(192, 144)).parent


@pytest.fixture(scope="module")
def answers(film_bundle: Path, phantom_of_others: Path) -> dict[str, float]:
    """What the model, which has hardly learned anything, says of each film."""
    dataset = open_dataset(phantom_of_others / "films.toml")
    cases = tuple(replace(case, patient=f"Q{case.patient}") for case in dataset.cases)
    evidence = evaluate(read_bundle(film_bundle), replace(dataset, name="others", cases=cases), resamples=10).evidence
    return {result.case: result.probabilities[1] for result in evidence.results}


@pytest.fixture
def hospital(phantom_of_others: Path, answers: dict[str, float], tmp_path: Path) -> Path:
    """The same, under other names than those of the training, and so that the model is right on three in four."""
    root = tmp_path / "hospital"
    shutil.copytree(phantom_of_others, root)
    rows = list(csv.DictReader((root / "films.csv").read_text(encoding="utf-8").splitlines()))
    middle, rng = np.median(list(answers.values())), np.random.default_rng(0)
    for row in rows:
        right = rng.random() < 0.75
        row |= {"patient": f"Q{row['patient']}", "any_malignant": str(int((answers[row["image"]] > middle) == right))}
    write_rows(root, rows)
    return root


def write_rows(root: Path, rows: list[dict[str, str]]) -> None:
    with (root / "films.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_new_bundle_answers_by_local_cases(
    film_bundle: Path, hospital: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "local"
    words = ["recalibrate", str(film_bundle), str(hospital / "films.toml"), "-o", str(new)]
    assert main([*words, "--threshold", "sensitivity >= 0.95"]) == 0
    said = capsys.readouterr()
    assert "before" in said.out and f"bundle: {new}" in said.out
    assert "Before, with the threshold" in said.err and "chosen on other patients" in said.err
    before, after = read_bundle(film_bundle), read_bundle(new)
    assert (new / "weights.safetensors").read_bytes() == (film_bundle / "weights.safetensors").read_bytes()
    assert after.identity.sha256 != before.identity.sha256
    assert after.operating.threshold_from.startswith("sensitivity>=0.95 on 160 cases")
    assert after.plan.decision.threshold == "sensitivity>=0.95"
    assert "160 cases of 40 patients of phantom_films" in after.training.recalibrated
    evidence = read_evidence(new / "evidence.json")
    assert (evidence.split, evidence.cases, evidence.model) == ("recalibration", 160, after.identity)
    assert "recalibrate" in (new / "report.html").read_text(encoding="utf-8")
    assert "Recalibrated on 160 cases" in (new / "card.md").read_text(encoding="utf-8")
    # the local cases chose the operating point, so they are no test of it
    assert main(["evaluate", str(new), str(hospital / "films.toml")]) == 1
    assert "trained or validated on every patient" in capsys.readouterr().err


def test_a_bundle_may_be_replaced_by_its_recalibrated_self_only_when_asked(
    film_bundle: Path, hospital: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recalibrate", str(film_bundle), str(hospital / "films.toml"), "-o", str(tmp_path / "local")]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["split"] == "recalibration"
    assert main(words) == 1
    assert "is a finished bundle" in capsys.readouterr().err


@pytest.mark.parametrize(("malignant", "benign"), [(2, 2), (0, 30), (9, 30)])
def test_too_few_patients_or_one_class_are_refused_before_any_is_read(
    film_bundle: Path,
    hospital: Path,
    tmp_path: Path,
    malignant: int,
    benign: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = list(csv.DictReader((hospital / "films.csv").read_text(encoding="utf-8").splitlines()))
    women = sorted({row["patient"] for row in rows})
    for row in rows:
        row["any_malignant"] = str(int(row["patient"] in women[:malignant]))
    write_rows(hospital, [row for row in rows if row["patient"] in women[: malignant + benign]])
    assert main(["recalibrate", str(film_bundle), str(hospital / "films.toml"), "-o", str(tmp_path / "local")]) == 1
    said = capsys.readouterr().err
    assert f"{malignant} malignant; at least 30 cases are needed" in said
    assert not (tmp_path / "local").exists()


def test_a_model_that_does_not_rank_the_cases_is_refused(
    film_bundle: Path, hospital: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["recalibrate", str(film_bundle), str(hospital / "films.toml"), "-o", str(tmp_path / "local")]
    assert main(words) == 0
    (tmp_path / "local").rename(tmp_path / "kept")
    rows = list(csv.DictReader((hospital / "films.csv").read_text(encoding="utf-8").splitlines()))
    write_rows(hospital, [{**row, "any_malignant": str(1 - int(row["any_malignant"]))} for row in rows])
    capsys.readouterr()
    assert main(words) == 1
    assert "no better than chance" in capsys.readouterr().err
    assert not (tmp_path / "local").exists()


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["one", "my data", "-o", "out", "--root", "there", "--threshold", "youden", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)
