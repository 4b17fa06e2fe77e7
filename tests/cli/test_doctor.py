"""`hounsfield doctor`, whole."""

import json

import pytest

from hounsfield.cli.checkup import packages
from hounsfield.cli.main import main


def test_doctor_says_that_this_machine_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("This machine is ready.")
    assert "JPEG 2000 Image Compression (Lossless Only)" in printed


def test_doctor_as_json_holds_all_that_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ready"] is True
    assert {"hounsfield", "verdicts", "machine", "packages", "codecs"} <= set(document)
    assert document["machine"]["cores"] >= 1
    assert all(codec["fault"] == "" for codec in document["codecs"])


def test_doctor_works_without_a_package_and_gives_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = packages._version
    monkeypatch.setattr(packages, "_version", lambda name: "" if name == "torch" else version(name))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("Something that Hounsfield needs is missing.")
    assert "torch: not installed" in printed
    assert "-m pip install 'torch>=2.6'" in printed
