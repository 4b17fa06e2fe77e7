"""`hounsfield read`: readings.json, figures, what is printed, and what a stop leaves."""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from hounsfield.cli import read as verb
from hounsfield.cli import readings as writing
from hounsfield.cli.main import main
from hounsfield.findings import Answer, ModelIdentity, Quality, Reading

KEYS = {
    *("case", "path", "answers", "model", "findings", "quality", "abstained", "calibrated", "scanned", "notes"),
    *(
        "study_uid",
        "sop_uids",
        "seconds",
        "figure",
        "labels",
        "outlined",
        "view",
        "possible",
        "coverage",
        "nearest",
        "explained_by",
    ),
    "looked_for",
}
"""Of a reading in readings.json, as docs/reading.md has them."""


@pytest.fixture
def films(phantom: Path, tmp_path: Path) -> Path:
    """Two studies whose files have the same names, and one with a name that is none for a file."""
    folder = tmp_path / "films"
    for name in ("anna/1.dcm", "berta/1.dcm", "Müller^Anna: ../right?.dcm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(phantom / "films" / "P0001_L_CC.dcm", folder / "anna" / "1.dcm")
    shutil.copy(phantom / "films" / "P0002_L_CC.dcm", folder / "berta" / "1.dcm")
    shutil.copy(phantom / "films" / "P0003_L_CC.dcm", folder / "Müller^Anna: ..-right?.dcm")
    shutil.rmtree(folder / "Müller^Anna: ..")
    return folder


def read(bundle: Path, *words: str | Path) -> int:
    return main(["read", str(bundle), *map(str, words)])


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "readings.json").read_text(encoding="utf-8"))
    return found


def test_every_image_gets_a_reading_and_a_figure_of_its_own(
    film_bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert read(film_bundle, films, "-o", out) == 0
    found = document(out)
    names = {reading["case"]: reading["figure"] for reading in found["readings"]}
    assert names == {
        "anna/1.dcm": "anna_1.dcm.png",
        "berta/1.dcm": "berta_1.dcm.png",
        "Müller^Anna: ..-right?.dcm": "Müller_Anna_..-right_.dcm.png",
    }
    assert {path.name for path in out.iterdir()} == {*names.values(), "readings.json", "report.html"}
    assert len({(out / figure).read_bytes() for figure in names.values()}) == 3
    page = (out / "report.html").read_text(encoding="utf-8")
    pictures = page.count('alt="Film of ')
    assert pictures == 3 and page.count("data:image/webp") >= 6
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4 and printed[-1].startswith("3 of 3 images read; report: ")


def test_json_holds_the_documented_keys_and_nothing_else_is_on_stdout(
    film_bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(film_bundle, films / "anna", "-o", tmp_path / "out", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == document(tmp_path / "out")
    assert set(printed) == {"format", "created", "model", "runtime", "readings", "failed"}
    assert printed["runtime"] == "torch"
    (reading,) = printed["readings"]
    assert set(reading) == KEYS
    assert set(reading["answers"][0]) == {"label", "probability", "threshold", "positive"}
    assert set(reading["quality"]) == {"verdict", "reasons", "distance", "farthest", "unlike"}
    assert reading["model"] == printed["model"]


def test_a_file_is_named_once_where_the_reason_begins_with_its_name(
    film_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = tmp_path / "vol.nii.gz"
    noise = np.random.default_rng(0).integers(0, 4000, (40, 40, 9)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(noise, np.eye(4)), volume)  # type: ignore[no-untyped-call, attr-defined]
    assert read(film_bundle, volume, "-o", tmp_path / "out") == 1
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("not read: "))
    assert line.startswith(f"not read: {volume} is a volume of ") and line.count(str(volume)) == 1


def test_a_bad_file_is_told_of_and_the_code_is_1(
    film_bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = films / "anna" / "2.dcm"
    bad.write_bytes((films / "anna" / "1.dcm").read_bytes()[:9000])
    assert read(film_bundle, films, "-o", tmp_path / "out") == 1
    said = capsys.readouterr()
    assert f"not read: {bad}: " in said.err
    assert said.out.endswith(f"3 of 4 images read; report: {tmp_path / 'out' / 'report.html'}\n")
    (failed,) = document(tmp_path / "out")["failed"]
    assert failed["path"] == str(bad) and str(bad) in failed["reason"]
    assert str(bad) in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_when_nothing_can_be_read_there_is_still_a_report(film_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(b"no image")
    assert read(film_bundle, tmp_path / "x.dcm", "-o", tmp_path / "out") == 1
    assert document(tmp_path / "out")["readings"] == []
    assert "Nothing could be read" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_whole_film_read_by_a_model_of_lesions_is_a_scan_and_says_so(
    lesion_bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(lesion_bundle, films / "anna", "-o", tmp_path / "out") == 0
    (line, _) = capsys.readouterr().out.splitlines()
    assert line.startswith("1.dcm: most suspicious square malignant 0.")
    assert line.endswith("(not validated for whole images)")
    (reading,) = document(tmp_path / "out")["readings"]
    assert reading["scanned"] and reading["findings"] and not reading["calibrated"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Scanned for malignant, not validated" in page
    assert "above the threshold" not in page and "threshold 0." not in page


def test_a_description_gives_the_boxes(
    lesion_bundle: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(lesion_bundle, phantom / "masses.toml", "-o", tmp_path / "out", "--no-heat", "--json") == 0
    readings = json.loads(capsys.readouterr().out)["readings"]
    assert len(readings) == len((phantom / "masses.csv").read_text().splitlines()) - 1
    assert not any(reading["scanned"] for reading in readings)


def test_without_heat_there_are_no_figures(film_bundle: Path, films: Path, tmp_path: Path) -> None:
    assert read(film_bundle, films / "anna", "-o", tmp_path / "out", "--no-heat") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"readings.json", "report.html"}
    assert document(tmp_path / "out")["readings"][0]["figure"] == ""


def test_figures_of_an_earlier_reading_go_and_other_files_stay(film_bundle: Path, films: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert read(film_bundle, films, "-o", out) == 0
    (out / "notes.txt").write_text("mine")
    assert read(film_bundle, films / "berta", "-o", out) == 0
    assert {path.name for path in out.iterdir()} == {"1.dcm.png", "readings.json", "report.html", "notes.txt"}


def test_a_stop_leaves_the_folder_as_it_was(
    film_bundle: Path, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert read(film_bundle, films / "anna", "-o", out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def stop(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_reading_page", stop)
    assert read(film_bundle, films, "-o", out) == 130
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert read(film_bundle, films, "-o", tmp_path / "new") == 130
    assert not (tmp_path / "new").exists()


def test_a_place_that_is_a_file_and_images_that_are_not_there_are_refused(
    film_bundle: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(film_bundle, films, "-o", films / "anna" / "1.dcm") == 1
    assert "1.dcm is a file; give a folder" in capsys.readouterr().err
    assert read(film_bundle, tmp_path / "none", "-o", tmp_path / "out") == 1
    assert "none: no such file or folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert read(film_bundle, tmp_path / "empty", "-o", tmp_path / "out") == 1
    assert "there is no image in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_too_long_or_alike_but_for_capitals_become_different_files(tmp_path: Path) -> None:
    batch = writing.Batch(tmp_path, figures=True)
    for case in ("x" * 300, "Film", "film", "...", "a/../b"):
        batch._stem(case)
    names = list(batch._stems.values())
    assert names[1:] == ["Film", "film-2", "image", "a_.._b"]
    assert len(names[0]) < 100


READING = Reading("x", "x.png", (Answer("malignant", 0.8, 0.47, True),), ModelIdentity("m", "0", "0"))


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (READING, "malignant 0.800 ≥ 0.470"),
        (replace(READING, answers=(Answer("malignant", 0.2, 0.47, False),)), "malignant 0.200 < 0.470"),
        (replace(READING, scanned=True), "most suspicious square malignant 0.800 (not validated for whole images)"),
        (replace(READING, answers=(), abstained="the image is blank"), "no answer (the image is blank)"),
        (
            replace(READING, answers=(Answer("b", 0.4, 0.5, True), Answer("a", 0.35, 0.5, False))),
            "b 0.400, the most probable of 2",
        ),
    ],
)
def test_an_answer_in_words(reading: Reading, words: str) -> None:
    assert verb.answer_words(reading) == words


def test_what_speaks_against_a_reading_stands_behind_it(capsys: pytest.CaptureFixture[str]) -> None:
    verb.print_readings([replace(READING, quality=Quality("doubtful", ("too small",)))])
    assert capsys.readouterr().out == "x: malignant 0.800 ≥ 0.470  [too small]\n"


def test_the_command_in_the_report_does_the_same_again() -> None:
    parser = verb.argparse.ArgumentParser()
    verb.add_arguments(parser)
    typed = ["B", "my films", "b.dcm", "-o", "out", "--root", "over there", "--no-heat", "--runtime", "openvino"]
    again = verb.shlex.split(verb.command(parser.parse_args(typed)))
    assert parser.parse_args(again[2:]) == parser.parse_args(typed)


def test_the_runtime_asked_for_reads_and_is_named(film_bundle: Path, films: Path, tmp_path: Path) -> None:
    assert read(film_bundle, films / "anna", "--no-heat", "-o", tmp_path / "torch") == 0
    words = ("--no-heat", "--runtime", "onnxruntime", "-o", tmp_path / "fast")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert read(film_bundle, films / "anna", *words) == 0
    by_torch, fast = document(tmp_path / "torch"), document(tmp_path / "fast")
    assert (by_torch["runtime"], fast["runtime"]) == ("torch", "ONNX Runtime f32")
    probabilities = [each["readings"][0]["answers"][0]["probability"] for each in (by_torch, fast)]
    assert probabilities[0] == pytest.approx(probabilities[1], abs=1e-4)
    assert "--runtime onnxruntime" in (tmp_path / "fast" / "report.html").read_text(encoding="utf-8")


def test_a_runtime_that_is_not_installed_is_an_error_that_says_what_to_install(
    film_bundle: Path, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name))
    assert read(film_bundle, films, "--runtime", "openvino", "-o", tmp_path / "out") == 1
    said = "hounsfield read: error: OpenVINO is not installed: pip install 'hounsfield[fast]'\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "out").exists()


def test_the_option_offers_what_there_is() -> None:
    from hounsfield.cli import runtimes
    from hounsfield.reading import runtime

    assert runtimes.RUNTIMES == runtime.RUNTIMES
