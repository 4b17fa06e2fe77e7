"""`hounsfield explain`: every method tested, a report, and what reading makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hounsfield.bundle import EXPLANATIONS, add_file, read_bundle
from hounsfield.cli import explain as verb
from hounsfield.cli.main import main


def test_all_methods_are_tested_and_drawn(
    film_bundle: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code = main(["explain", str(film_bundle), str(phantom / "films.toml"), "--cases", "4", "-o", str(out)])
    said = capsys.readouterr().out
    found = json.loads((out / "explanations.json").read_text(encoding="utf-8"))
    assert [one["method"] for one in found["tested"]] == ["grad_cam", "hires_cam", "integrated_gradients", "occlusion"]
    assert code == (0 if found["default"] else 1)
    assert "Grad-CAM" in said and "report:" in said
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Integrated gradients" in page and page.count("<figure>") >= 5
    for one in found["tested"]:
        assert one["cases"] == 4 and one["pointing"] is not None and 0 <= one["deletion"] <= 1


def test_a_training_tests_explanations_and_keeps_what_it_found(film_bundle: Path) -> None:
    bundle = read_bundle(film_bundle)
    tested = bundle.explanations()
    assert tested is not None and tested.tested
    assert [one.method for one in tested.tested] == ["grad_cam", "hires_cam", "integrated_gradients"]
    assert tested.default in [one.method for one in tested.tested if not one.failed] or all(
        one.failed for one in tested.tested
    )
    assert "Explanations" in (film_bundle / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("passed", [True, False])
def test_reading_shows_what_passed_and_nothing_where_none_did(
    film_bundle: Path, phantom: Path, tmp_path: Path, passed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "bundle"
    shutil.copytree(film_bundle, own)
    bundle = read_bundle(own)
    tested = bundle.explanations()
    assert tested is not None
    plain = tested.as_json()
    one = plain["tested"][0] | {"method": "integrated_gradients", "agreement": 0.0 if passed else 0.9}
    one["gain"] = {"value": 0.2, "low": 0.1, "high": 0.3}
    add_file(bundle, EXPLANATIONS, json.dumps(plain | {"tested": [one]}))
    film, out = phantom / "films" / "P0001_L_CC.dcm", tmp_path / "out"
    assert main(["read", str(own), str(film), "-o", str(out), "--json", "--answer-all"]) == 0
    (reading,) = json.loads(capsys.readouterr().out)["readings"]
    assert reading["explained_by"] == ("integrated_gradients" if passed else "")
    assert any("no method of explanation passed" in note for note in reading["notes"]) != passed


def test_wrong_usage(film_bundle: Path, phantom: Path) -> None:
    assert main(["explain", str(film_bundle), str(phantom / "films.toml"), "--cases", "1"]) == 2


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["one", "my data", "-o", "out", "--root", "there", "--cases", "9", "--seed", "7"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)
