"""`hounsfield demo`, small: the whole loop, gone on with, and left alone when the choices differ."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.cli import demo as verb
from hounsfield.cli.main import main
from hounsfield.learning import train as training
from hounsfield.plan import inspect_machine


def test_the_loop_ends_in_three_reports_and_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_thread = replace(inspect_machine(), threads=1)  # two would wait for each other where others work as well
    monkeypatch.setattr(training, "inspect_machine", lambda: one_thread)
    out = tmp_path / "demo"
    words = ["demo", "-o", str(out), "--women", "20", "--height", "128", "--minutes", "0.01", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    printed = json.loads(said.out)
    assert set(printed) == {"evidence", "reports"}
    assert set(printed["reports"]) == {"evidence", "reader", "readings"}
    assert all(Path(report).is_file() for report in printed["reports"].values())
    assert printed["evidence"]["split"] == "test"
    assert [line[:7] for line in said.err.splitlines() if line[1:5] == " of " and line[6] == ":"] == [
        "1 of 4:",
        "2 of 4:",
        "3 of 4:",
        "4 of 4:",
    ]
    readings = json.loads((out / "readings" / "readings.json").read_text())["readings"]
    masses = (out / "new-films" / "masses.csv").read_text().splitlines()[1:]
    assert len(readings) == len(masses) > 0
    assert not any(reading["scanned"] for reading in readings)  # the boxes are known, so the threshold counts

    learned = (out / "reader" / "weights.safetensors").stat()
    monkeypatch.setattr(verb, "_read", lambda arguments: None)
    assert main(words[:-1]) == 0
    assert (out / "reader" / "weights.safetensors").stat().st_mtime_ns == learned.st_mtime_ns
    said = capsys.readouterr()
    assert "A phantom is for trying things out" in said.out and f"Open {out / 'evidence' / 'report.html'}" in said.out

    assert main([*words, "--seed", "1"]) == 1
    assert "holds a demo with other choices; choose another -o, or delete it" in capsys.readouterr().err


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert "holds other things" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
