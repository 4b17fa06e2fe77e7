from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import Case, Crop, ImageRef
from hounsfield.datasets.digest import case_digests, content_digest
from hounsfield.errors import DatasetError
from hounsfield.findings import Box

WriteNpz = Callable[[str, Mapping[str, VoxelArray]], Path]

ROWS = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def _case(name: str, **images: ImageRef) -> Case:
    return Case(id=name, patient=name, images=images, target=0)


def test_the_same_row_has_the_same_digest_in_another_file_and_another_row_has_not(write_npz: WriteNpz) -> None:
    one, other = write_npz("a.npz", {"x": ROWS}), write_npz("b.npz", {"y": ROWS[1:]})
    assert content_digest(ImageRef(one, "x", 1)) == content_digest(ImageRef(other, "y", 0))
    assert content_digest(ImageRef(one, "x", 1)) != content_digest(ImageRef(one, "x", 2))


def test_crops_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"a film")
    assert content_digest(ImageRef(path)) == content_digest(ImageRef(path, crop=Crop(Box(0, 0, 1, 1))))


@pytest.mark.parametrize("index", [3, -1])
def test_a_row_that_is_not_there_is_refused(index: int, write_npz: WriteNpz) -> None:
    path = write_npz("a.npz", {"x": ROWS})
    with pytest.raises(DatasetError, match=rf"a.npz: 'x' has 3 rows, there is no row {index}"):
        content_digest(ImageRef(path, "x", index))


def test_what_cannot_be_read_has_no_digest_and_stops_no_other(write_npz: WriteNpz, tmp_path: Path) -> None:
    path = write_npz("a.npz", {"x": ROWS})
    cases = [
        _case("row", image=ImageRef(path, "x", 0)),
        _case("no_row", image=ImageRef(path, "x", 9)),
        _case("half", left=ImageRef(path, "x", 1), right=ImageRef(tmp_path / "missing.png")),
    ]
    whole, none, half = case_digests(cases)
    assert (len(whole), len(none), len(half)) == (1, 0, 1)
