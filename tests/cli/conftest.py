"""Data of another place."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from hounsfield.cli.main import main
from hounsfield.plan import read_plan, write_plan

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))  # for `drawn_files`


@pytest.fixture
def elsewhere(phantom: Path, tmp_path: Path) -> Path:
    """The phantom's films as those of other women, under another root and without descriptions."""
    root = tmp_path / "elsewhere"
    shutil.copytree(phantom, root, ignore=shutil.ignore_patterns("*.toml"))
    for name in ("films.csv", "masses.csv"):
        rows = list(csv.DictReader((root / name).read_text(encoding="utf-8").splitlines()))
        with (root / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "patient": f"Q{row['patient']}"} for row in rows)
    for film in (root / "films").glob("*.dcm"):  # padding after the pixels: other files, the same images
        film.write_bytes(film.read_bytes() + b"\xfc\xff\xfc\xffOB\0\0\0\0\0\0")
    return root


@pytest.fixture(scope="session")
def trained_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Trains one network for epochs on one thread, by a plan for an hour, which is the same on every machine; gives
    the bundle's folder."""

    def trained(data: Path, *words: str, epochs: int) -> Path:
        folder, printed = tmp_path_factory.mktemp("trained"), io.StringIO()
        with redirect_stdout(printed):
            words = (*words, "-o", str(folder / "bundle"))
            assert main(["train", str(data), *words, "--minutes", "60", "--plan-only"]) == 0
        (folder / "plan.toml").write_text(printed.getvalue(), encoding="utf-8")
        plan = read_plan(folder / "plan.toml")
        optimisation = plan.optimisation.model_copy(update={"epochs": epochs, "threads": 1})
        ensemble = plan.ensemble.model_copy(update={"folds": 1, "repeats": 1})
        plan = plan.model_copy(update={"optimisation": optimisation, "ensemble": ensemble})
        write_plan(plan, folder / "plan.toml")
        assert main(["train", str(data), *words, "--plan", str(folder / "plan.toml")]) == 0
        return folder / "bundle"

    return trained
