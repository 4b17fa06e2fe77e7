"""`hounsfield train`: what it writes, what it refuses to overwrite, and how it is stopped and gone on with."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hounsfield.bundle import read_bundle
from hounsfield.cli import train as verb
from hounsfield.cli.main import main
from hounsfield.plan import plan_from_text, read_plan


@pytest.fixture
def plan(lesion_bundle: Path) -> Path:
    """The plan that `lesion_bundle` was made by."""
    return lesion_bundle.with_suffix(".toml")


@pytest.fixture
def words(phantom: Path, plan: Path, tmp_path: Path) -> list[str]:
    """A train command that takes a moment."""
    return ["train", str(phantom / "masses.toml"), "-o", str(tmp_path / "reader"), "--plan", str(plan)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_training_leaves_a_whole_bundle_and_nothing_else(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"bundle", "evidence"}
    assert printed["evidence"]["split"] == "val"
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]
    names = {
        "bundle.json",
        "plan.toml",
        "weights.safetensors",
        "split.json",
        "evidence.json",
        "card.md",
        "card.html",
        "report.html",
        "likeness.safetensors",
        "examples.safetensors",
        "explanations.json",
    }
    assert set(contents(tmp_path / "reader")) == names
    bundle = read_bundle(tmp_path / "reader")
    assert json.loads((tmp_path / "reader" / "evidence.json").read_text()) == printed["evidence"]
    card = (tmp_path / "reader" / "card.md").read_text()
    assert bundle.identity.sha256[:16] in card and "42 cases" not in card
    assert f"{bundle.training.cases} cases of {bundle.training.patients} patients" in card


def test_people_get_a_table_and_the_places(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith("phantom_masses, val: ")
    assert "\nAUC-ROC " in said.out and "\nthreshold 0." in said.out
    assert said.out.endswith(f"bundle: {tmp_path / 'reader'}\nreport: {tmp_path / 'reader' / 'report.html'}\n")
    assert "Plan for phantom_masses" in said.err and "\nnote: " in said.err


def test_a_finished_bundle_is_only_replaced_when_that_is_asked_for(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    before = contents(tmp_path / "reader")
    assert main(words) == 1
    assert "is a finished bundle; choose another -o, or give --overwrite" in capsys.readouterr().err
    assert contents(tmp_path / "reader") == before
    assert main([*words, "--overwrite"]) == 0
    assert contents(tmp_path / "reader")["weights.safetensors"] == before["weights.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]


def test_a_stop_before_the_reports_is_made_good_by_the_same_command(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(verb, "add_reports", stop)
        assert main(words) == 130
    assert not (tmp_path / "reader" / "report.html").exists()
    weights = contents(tmp_path / "reader")["weights.safetensors"]
    assert main(words) == 0
    assert (tmp_path / "reader" / "report.html").exists()
    assert contents(tmp_path / "reader")["weights.safetensors"] == weights
    assert [path.name for path in tmp_path.iterdir()] == ["reader"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_leaves_no_bundle_and_the_same_command_goes_on(words: list[str], plan: Path, tmp_path: Path) -> None:
    longer = tmp_path / "long.toml"
    longer.write_text(plan.read_text().replace("epochs = 2", "epochs = 100000\npatience = 100000"))
    words[words.index(str(plan))] = str(longer)
    command = [sys.executable, "-m", "hounsfield", *words]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as process:
        last_resort = threading.Timer(120, process.kill)  # a test that hangs says nothing
        last_resort.start()
        assert process.stdout is not None and process.stderr is not None
        for line in process.stderr:
            if line.startswith("Split:"):
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.stdout.read() == ""
        process.wait()
        last_resort.cancel()
    assert process.returncode == 130
    assert "stopped from the keyboard" in said
    assert not (tmp_path / "reader").exists() and (tmp_path / "reader.training").is_dir()
    assert main(["read", str(tmp_path / "reader"), str(plan), "-o", str(tmp_path / "out")]) == 1
    words[words.index(str(longer))] = str(plan)
    assert main(words) == 1  # another plan: the unfinished training is not thrown away
    shutil.rmtree(tmp_path / "reader.training")
    assert main(words) == 0


def test_places_that_are_no_bundles_are_left_alone(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = tmp_path / "a file", tmp_path / "holiday"
    file.write_text("mine")
    folder.mkdir()
    (folder / "picture.jpg").write_text("mine too")
    for place, sentence in (
        (file, "is a file; give a folder"),
        (file / "below", "is a file; give a folder"),
        (folder, "is there already and is no bundle"),
    ):
        words[3] = str(place)
        assert main(words) == 1
        assert sentence in capsys.readouterr().err
    assert file.read_text() == "mine" and (folder / "picture.jpg").read_text() == "mine too"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "holiday"]


def test_an_empty_folder_is_a_place_for_a_bundle(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "reader").mkdir()
    assert main(words) == 0


def test_a_place_where_nothing_may_be_written_is_refused_before_the_work(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "nothing may be written in" in said and "Plan for" not in said


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--minutes", "0", "give a number above 0"),
        ("--minutes", "nan", "give a number above 0"),
        ("--seed", "-1", "0 or more"),
        ("--network", "resnet", "known: auto, convnet, residual"),
        ("--plan", "nowhere.toml", "cannot read the plan nowhere.toml"),
    ],
)
def test_values_out_of_range_are_wrong_usage(
    words: list[str], option: str, value: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, option, value]) == 2
    assert sentence in capsys.readouterr().err


def test_plan_only_prints_the_plan_and_writes_nothing(
    words: list[str], plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--plan-only"]) == 0
    assert plan_from_text(capsys.readouterr().out) == read_plan(plan)
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_cannot_be_read_is_left_out_and_named(
    phantom: Path, film_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(phantom, data)
    broken = data / "films" / "P0001_L_CC.dcm"
    broken.write_bytes(broken.read_bytes()[:9000])
    words = ["train", str(data / "films.toml"), "-o", str(tmp_path / "reader")]
    split = json.loads((film_bundle / "split.json").read_text())
    assert next(case["part"] for case in split["cases"] if case["id"] == "P0001_L_CC") != "test"
    assert (
        main([*words, "--plan", str(film_bundle.with_suffix(".toml")), "--split", str(film_bundle / "split.json")]) == 1
    )
    said = capsys.readouterr()
    assert f"warning: P0001_L_CC was left out: {broken}" in said.err
    assert (tmp_path / "reader" / "report.html").is_file() and "bundle: " in said.out


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["my data", "-o", "out", "--root", "over there", "--network", "convnet", "--minutes", "2.5", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert again[:2] == ["hounsfield", "train"]
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)


def test_a_leaking_split_is_refused_or_remembered_for_ever(
    phantom: Path, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    shutil.copytree(phantom, root)
    rows = list(csv.DictReader((root / "masses.csv").read_text(encoding="utf-8").splitlines()))
    women = sorted({row["patient"] for row in rows})
    held_back = set(women[:6])
    for row in rows:
        row["part"] = "val" if row["patient"] in held_back else "train"
    copied = [dict(row) for row in rows if row["patient"] in held_back]
    for row in copied:  # the same films under another name, to learn from
        again = f"again_{row['image']}"
        shutil.copy(root / "films" / f"{row['image']}.dcm", root / "films" / f"{again}.dcm")
        row |= {"image": again, "patient": f"again_{row['patient']}", "part": "train"}
    with (root / "masses.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows + copied)
    text = (root / "masses.toml").read_text(encoding="utf-8")
    (root / "masses.toml").write_text(text + '\n[split]\ncolumn = "part"\n', encoding="utf-8")
    words = ["train", str(root / "masses.toml"), "-o", str(tmp_path / "reader"), "--plan", str(plan)]
    assert main(words) == 1
    assert "show an exposure that is in another part too: figures would be too good" in capsys.readouterr().err
    assert not (tmp_path / "reader").exists()
    assert main([*words, "--allow-leak"]) == 0
    bundle = read_bundle(tmp_path / "reader")
    assert bundle.training.warnings[0].startswith("Figures are too good: ")
    for name in ("report.html", "card.md"):
        assert "Figures are too good: " in (tmp_path / "reader" / name).read_text(encoding="utf-8")
