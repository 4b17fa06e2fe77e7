"""`hounsfield export`: what is said and written, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from hounsfield.cli.main import main


def test_onnx_is_written_and_a_sentence_says_what(
    film_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(film_bundle), "-o", str(out), "--format", "onnx"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{out / 'model.onnx'}: images (n, 1, ")
    assert said.out.endswith(" to probabilities of not malignant, malignant\n") and said.err == ""
    assert (out / "model.onnx").is_file() and (out / "model.json").is_file()


def test_a_monai_bundle_is_written_and_json_lists_its_files(
    film_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(film_bundle), "-o", str(out), "--format", "monai", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "monai" and document["classes"] == ["not malignant", "malignant"]
    assert {Path(name) for name in document["files"]} == {path for path in out.rglob("*") if path.is_file()}


def test_another_folder_is_left_as_it_is(
    film_bundle: Path, phantom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["export", str(film_bundle), "-o", str(tmp_path), "--format", "monai"]) == 1
    assert "is there already and is no such export" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert main(["export", str(phantom), "-o", str(tmp_path / "out"), "--format", "onnx"]) == 1
    assert "is not a bundle" in capsys.readouterr().err


def test_without_onnx_the_extra_is_named(
    film_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else find(name))
    assert main(["export", str(film_bundle), "-o", str(tmp_path / "out"), "--format", "onnx"]) == 1
    said = "hounsfield export: error: ONNX needs the package onnx: pip install 'hounsfield[fast]'\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "out").exists()
