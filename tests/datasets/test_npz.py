from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.npz import array_headers, read_array
from hounsfield.errors import DatasetError

WriteNpz = Callable[[str, Mapping[str, VoxelArray]], Path]


def test_headers_tell_shape_and_type_without_the_values(write_npz: WriteNpz) -> None:
    found = array_headers(write_npz("a.npz", {"x": np.zeros((2, 3), np.uint8), "y": np.ones(4)}))
    assert {name: (header.shape, str(header.dtype)) for name, header in found.items()} == {
        "x": ((2, 3), "uint8"),
        "y": ((4,), "float64"),
    }


def test_an_array_is_read_once_and_again_when_the_file_changes(write_npz: WriteNpz) -> None:
    path = write_npz("a.npz", {"x": np.arange(3)})
    first = read_array(path, "x")
    assert read_array(path, "x") is first
    assert not first.flags.writeable
    write_npz("a.npz", {"x": np.arange(5000)})
    assert read_array(path, "x").shape == (5000,)


def test_a_missing_array_is_refused_with_those_there_are(write_npz: WriteNpz) -> None:
    with pytest.raises(DatasetError, match="no array 'z'; it holds x, y"):
        read_array(write_npz("a.npz", {"y": np.zeros(1), "x": np.zeros(1)}), "z")


def test_truncated_and_foreign_files_are_refused_wherever_they_end(write_npz: WriteNpz) -> None:
    path = write_npz("a.npz", {"x": np.random.default_rng(0).integers(0, 255, 5000, dtype=np.uint8)})
    whole = path.read_bytes()
    for length in (0, 10, 200, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match="not a whole npz file"):
            array_headers(path)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(DatasetError, match="is damaged"):
        read_array(path, "x")
