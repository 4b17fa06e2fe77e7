"""Data of another place."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import pytest

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
