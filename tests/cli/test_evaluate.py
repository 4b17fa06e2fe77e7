"""`hounsfield evaluate`: figures on stdout and in the folder, other roots, bad files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hounsfield.cli import evaluate as verb
from hounsfield.cli.main import main
from hounsfield.evaluation.store import read_evidence


def test_figures_go_to_stdout_and_into_the_folder(
    lesion_bundle: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(lesion_bundle), str(phantom / "masses.toml"), "-o", str(tmp_path / "out"), "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    evidence = read_evidence(tmp_path / "out" / "evidence.json")
    assert printed == json.loads(json.dumps(evidence.as_json()))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["evidence.json", "report.html"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "phantom_masses" in page and f"-o {tmp_path / 'out'}" in page


def test_people_get_a_table_and_no_folder_unless_they_name_one(
    lesion_bundle: Path,
    phantom: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(lesion_bundle), str(phantom / "masses.toml"), "--cases", "val"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("phantom_masses, val: ") and "Sensitivity" in said.out
    assert "note: The threshold, the calibration and the best epoch were chosen on these cases" in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_description_is_pointed_at_another_root(
    lesion_bundle: Path, phantom: Path, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(lesion_bundle), str(phantom / "masses.toml"), "--root", str(elsewhere), "--json"]
    assert main(words) == 0
    evidence = json.loads(capsys.readouterr().out)
    rows = len((elsewhere / "masses.csv").read_text().splitlines()) - 1
    assert evidence["cases"] == rows
    assert {result["patient"][:2] for result in evidence["results"]} == {"QP"}


def test_a_bad_file_is_named_the_rest_is_measured_and_the_code_is_1(
    film_bundle: Path, phantom: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = elsewhere / "films" / "P0002_L_CC.dcm"
    broken.write_bytes(b"no image")
    words = ["evaluate", str(film_bundle), str(phantom / "films.toml"), "--root", str(elsewhere)]
    assert main([*words, "-o", str(tmp_path / "out"), "--json"]) == 1
    said = capsys.readouterr()
    assert f"not read: P0002_L_CC: {broken}: not an image" in said.err
    evidence = json.loads(said.out)
    assert evidence["cases"] == 63 and len(evidence["results"]) == 63
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_stop_while_the_report_is_made_leaves_the_earlier_results(
    lesion_bundle: Path, phantom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "evidence.json").write_text("earlier")

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "gallery", stop)
    assert main(["evaluate", str(lesion_bundle), str(phantom / "masses.toml"), "-o", str(out)]) == 130
    assert [path.name for path in out.iterdir()] == ["evidence.json"]
    assert (out / "evidence.json").read_text() == "earlier"


def test_what_cannot_be_is_said_before_anything_is_read(
    lesion_bundle: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(phantom / "masses.toml")
    assert main(["evaluate", str(lesion_bundle), data, "--seed", "-1"]) == 2
    assert main(["evaluate", str(lesion_bundle), data, "-o", data]) == 1
    assert "masses.toml is a file; give a folder" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "none"), data]) == 1
    assert "there is no bundle at" in capsys.readouterr().err
    assert main(["evaluate", str(phantom), data]) == 1
    assert "is not a bundle: it has no bundle.json" in capsys.readouterr().err


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["B", "my data", "-o", "out", "--root", "over there", "--cases", "all", "--seed", "7", "--runtime", "torch"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)
