"""`hounsfield phantom`: films and volumes from the command line."""

import json
from pathlib import Path

import pytest

from hounsfield.cli.main import main
from hounsfield.datasets import open_dataset


def test_volumes_are_written_and_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "abdomens"
    words = [
        "phantom",
        "-o",
        str(out),
        "--kind",
        "volumes",
        "--patients",
        "1",
        "--look",
        "mr",
        "--spacing",
        "8",
        "6",
        "6",
    ]
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"patients": 1, "descriptions": [str(out / "volumes.toml"), str(out / "series.toml")]}
    assert all(open_dataset(path).modality == "MR" for path in printed["descriptions"])
    assert main(words) == 1
    assert "exists and is not empty" in capsys.readouterr().err


def test_films_are_the_mammograms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "films"
    assert main(["phantom", "-o", str(out), "--patients", "2", "--size", "128", "96"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"films of 2 patients written to {out}; each of these opens them as a data set:\n")
    assert said.splitlines()[1:] == [f"  {out / name}.toml" for name in ("masses", "films", "landmarks")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--look", "ct"], "--look and --spacing are for --kind volumes"),
        (["--size", "64"], "--size of films takes two numbers, height and width, not 1"),
        (["--kind", "volumes", "--size", "64", "64"], "three numbers, depth, height and width, not 2"),
        (["--kind", "volumes", "--patients", "0"], "at least one patient, not 0"),
        (["--kind", "volumes", "--spacing", "4", "2", "-1"], "must be 0.3 to 8 mm"),
    ],
)
def test_words_that_make_no_sense_are_wrong_usage(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phantom", "-o", str(tmp_path / "out"), *words]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
