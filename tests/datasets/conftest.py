"""Small data sets, made in a moment."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Case, Dataset, ImageRef

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))  # for `drawn_files`

WriteFilm = Callable[..., Path]
WriteTable = Callable[[str], Path]
MakeDataset = Callable[..., Dataset]


@pytest.fixture
def write_film(tmp_path: Path) -> WriteFilm:
    """Write a grey PNG under the test's folder; without pixels given, 8 × 6 ones that depend on the name."""

    def write(name: str, pixels: VoxelArray | None = None) -> Path:
        if pixels is None:
            pixels = np.random.default_rng(list(name.encode())).integers(0, 255, (6, 8), dtype=np.uint8)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        return path

    return write


@pytest.fixture
def describe(tmp_path: Path, write_film: WriteFilm) -> Callable[..., Path]:
    """Write a table, the images of its first column and a description; gives the description's path."""

    def write(table: str, description: str, *, images: bool = True) -> Path:
        (tmp_path / "cases.csv").write_text(table, encoding="utf-8")
        if images:
            for line in table.strip().splitlines()[1:]:
                write_film(f"images/{line.split(',')[0]}.png")
        path = tmp_path / "description.toml"
        path.write_text(f'table = "cases.csv"\nimage = "images/{{image}}.png"\n{description}', encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_dataset() -> MakeDataset:
    """A data set without files: one case a row (case id, patient, class), with a part where there is a fourth."""

    def make(
        rows: Sequence[Sequence[str]], classes: Sequence[str] = ("benign", "malignant"), **more: object
    ) -> Dataset:
        cases = tuple(
            Case(
                id=row[0],
                patient=row[1],
                images={"image": ImageRef(Path(f"{row[0]}.png"))},
                target=classes.index(row[2]) if row[2] else None,
                part=row[3] if len(row) > 3 else None,  # type: ignore[arg-type]  # parts are spelt out in the tests
            )
            for row in rows
        )
        return Dataset("test", Path(), cases, tuple(classes), "table", **more)  # type: ignore[arg-type]  # see above

    return make


@pytest.fixture
def write_npz(tmp_path: Path) -> Callable[[str, Mapping[str, VoxelArray]], Path]:
    """Write arrays to an npz file under the test's folder."""

    def write(name: str, arrays: Mapping[str, VoxelArray]) -> Path:
        path = tmp_path / name
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # its keyword is only a flag's name
        return path

    return write
