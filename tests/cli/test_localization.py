"""A localization by its commands: train, evaluate, compare and read on the phantom's films, with pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.bundle import Bundle, read_bundle
from hounsfield.cli.evaluate import located_examples
from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset
from hounsfield.evaluation.store import read_evidence
from hounsfield.reading.reader import Reader

PLAN = """\
task = "localization"
dataset = "phantom_landmarks"
classes = ["image"]
[input]
shape = [48, 32]
steps = [{step = "display"}, {step = "breast"}, {step = "resize", shape = [48, 32], anchor = "start"}]
[network]
name = "policy"
window = 9
scales = [4, 1]
steps = 4
widths = [8, 16]
hidden = 32
[optimisation]
epochs = 2
batch_size = 4
keep = "last"
threads = 1
[localization]
landmarks = ["nipple", "chest_wall"]
[reinforcement]
walks = 2
steps = 4
"""


@pytest.fixture(scope="module")
def locator(phantom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose agent walks to landmarks, trained for a moment. Not to be changed."""
    folder = tmp_path_factory.mktemp("locator")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    words = ["train", str(phantom / "landmarks.toml"), "--task", "localization", "--plan", str(folder / "plan.toml")]
    assert main([*words, "-o", str(folder / "bundle")]) == 0
    return folder / "bundle"


def test_a_bundle_tells_what_was_located_on_the_validation_films(locator: Path) -> None:
    evidence = read_evidence(locator / "evidence.json")
    assert evidence.task == "localization" and evidence.localization is not None
    assert evidence.localization.unit == "mm"
    page = (locator / "report.html").read_text(encoding="utf-8")
    assert "#films" in page and page.count("data:image/webp") >= 1
    assert "What was located" in page and "Share located on validation cases" in page
    assert "the way an agent took" in page
    assert "Images as a whole" not in page and 'id="scores"' not in page
    card = (locator / "card.md").read_text(encoding="utf-8")
    assert "localization" in card and "nipple" in card


def test_the_way_is_that_of_a_network_that_had_not_learned_from_the_patient(
    locator: Path, phantom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, evidence = read_bundle(locator), read_evidence(locator / "evidence.json")
    networks, walked = bundle.networks(), []
    training = replace(bundle.training, members=2, held_back=((), bundle.training.seen_patients))
    monkeypatch.setattr(Bundle, "networks", lambda _: networks * 2)
    monkeypatch.setattr(Reader, "paths", lambda _, opened, *, member=0: walked.append(member) or {})
    dataset = open_dataset(phantom / "landmarks.toml")

    examples = located_examples(
        replace(bundle, training=training), {case.id: case for case in dataset.cases}, evidence, dataset=dataset.name
    )

    assert examples and walked == [1] * len(examples)


def test_a_localization_is_measured_and_shown(
    locator: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(locator), str(phantom / "landmarks.toml"), "-o", str(tmp_path / "evidence")]
    assert main(words) == 0
    out = capsys.readouterr().out

    assert "errors in mm" in out and "chest_wall" in out
    page = (tmp_path / "evidence" / "report.html").read_text(encoding="utf-8")
    assert "the way an agent took" in page
    assert page.count('<article class="example">') >= 3
    assert "phantom_landmarks: nipple and chest_wall" in page
    assert 'id="decisions"' not in page and 'id="curves"' not in page


def test_a_reading_says_where_landmarks_are_and_draws_them(
    locator: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, other = sorted((phantom / "films").glob("*.dcm"))[:2]
    assert main(["read", str(locator), str(film), str(other), "-o", str(tmp_path / "out"), "--answer-all"]) == 0

    said = capsys.readouterr().out
    reading, _ = json.loads((tmp_path / "out" / "readings.json").read_text(encoding="utf-8"))["readings"]
    assert f"{film.name}: nipple x " in said
    assert [finding["label"] for finding in reading["findings"]] == ["nipple", "chest_wall"]
    assert reading["answers"] == [] and reading["looked_for"] == ["nipple", "chest_wall"]
    assert len(reading["findings"][0]["path"]) > 1
    assert (tmp_path / "out" / reading["figure"]).is_file()
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "2 landmarks located" in page and "No answer" not in page


def test_two_ways_are_compared_on_the_same_images(
    locator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(locator), str(locator), "-o", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("distances in mm")
    assert [line.split()[0] for line in lines[2:5]] == ["all", "nipple", "chest_wall"]
    assert all(line.split()[-5:-1] == ["0.00", "to", "0.00", "1.000"] for line in lines[2:5])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Median error, mm" in page and "chest_wall" in page and "Both locate equally well" in page
    assert main(["compare", str(locator), str(locator), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["named"]["nipple"]["median"]["difference"]["value"] == 0


def test_several_trainings_are_put_together_landmark_by_landmark(
    locator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["seeds", str(locator), str(locator)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["all", "nipple", "chest_wall"]
    assert "± seeds" in lines[1] and "together" not in lines[1]


def test_what_a_localization_cannot_be_is_said_in_a_sentence(
    locator: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, message in (
        (["train", str(phantom / "masses.toml"), "--task", "localization", "-o", str(tmp_path / "a")], "whole images"),
        (["train", str(phantom / "films.toml"), "--task", "localization", "-o", str(tmp_path / "b")], "no landmarks"),
        (["export", str(locator), "-o", str(tmp_path / "m.onnx"), "--format", "onnx"], "landmarks"),
        (["recalibrate", str(locator), str(phantom / "landmarks.toml"), "-o", str(tmp_path / "c")], "no threshold"),
        (["explain", str(locator), str(phantom / "landmarks.toml"), "-o", str(tmp_path / "d")], "landmarks"),
    ):
        assert main(words) in (1, 2)
        assert message in capsys.readouterr().err
