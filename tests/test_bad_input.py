"""Bad input, end to end: a sentence that says what and what to do, the exit code, and nothing half-written.

The inputs are those of docs/_scripts/bad_input.py, and the sentences those of docs/bad-input.md.
"""

import importlib.util
import sys
import types
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def script() -> types.ModuleType:
    """The script that writes docs/bad-input.md."""
    spec = importlib.util.spec_from_file_location("bad_input", DOCS / "_scripts" / "bad_input.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bad_input"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


SCRIPT = script()


@pytest.mark.parametrize("bad", SCRIPT.ALL, ids=lambda bad: bad.name)
def test_bad_input_ends_in_its_sentence_and_nothing_half_written(
    bad: object, phantom: Path, film_bundle: Path, tmp_path: Path
) -> None:
    assert isinstance(bad, SCRIPT.BadInput)
    code, sentence = SCRIPT.said(bad, SCRIPT.Place(tmp_path, phantom, film_bundle))
    assert code == bad.code
    row = f"| {bad.name} | {code} | `{sentence}` |"
    assert row in (DOCS / "bad-input.md").read_text(encoding="utf-8").splitlines(), f"run {SCRIPT.__file__}"
    assert [path for path in tmp_path.rglob("*") if ".part" in path.name or ".old" in path.name] == []
    assert not (tmp_path / "reader").exists()
    readings = tmp_path / "readings"
    assert not readings.exists() or {"readings.json", "report.html"} <= {path.name for path in readings.iterdir()}


def test_the_page_holds_every_input_once() -> None:
    rows = [line for line in (DOCS / "bad-input.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]] == [bad.name for bad in SCRIPT.ALL]


def test_a_training_goes_on_when_there_is_room_again(phantom: Path, film_bundle: Path, tmp_path: Path) -> None:
    from hounsfield.bundle import read_bundle
    from hounsfield.cli.main import main

    place = SCRIPT.Place(tmp_path, phantom, film_bundle)
    (full,) = (bad for bad in SCRIPT.ALL if bad.disk)
    assert SCRIPT.said(full, place)[0] == 1
    assert (tmp_path / "reader.training").is_dir()
    assert main(list(SCRIPT.train(place, phantom / "films.toml"))) == 0
    assert read_bundle(tmp_path / "reader").training.members == 1
    assert not (tmp_path / "reader.training").exists()
