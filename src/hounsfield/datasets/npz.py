"""Arrays in npz files: their headers without reading them, and the arrays themselves, each read once a process."""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from hounsfield.arrays import VoxelArray
from hounsfield.errors import DatasetError
from hounsfield.formats.capacity import check_memory

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError)
"""What zipfile and NumPy raise on a truncated or foreign file."""

_ARRAYS_KEPT = 8
"""Decoded arrays held in memory: the images of two data sets with all their parts."""


@dataclass(frozen=True)
class ArrayHeader:
    """What an array is, without its values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def array_headers(path: Path) -> Mapping[str, ArrayHeader]:
    """The arrays in an npz file by name.

    Raises:
        DatasetError: The file is damaged or not an npz, or holds Python objects, which are never unpickled.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".npy"):
                    with archive.open(member) as stream:
                        found[member.removesuffix(".npy")] = _header(stream)
    except _DAMAGED as error:
        raise DatasetError(f"{path} is not a whole npz file: {error}") from error
    for name, header in found.items():
        if header.dtype.hasobject:
            raise DatasetError(
                f"{path}: {name!r} holds Python objects, which could run code on opening and are never read; "
                "save it again as an array of numbers"
            )
    return found


def read_array(path: Path, name: str) -> VoxelArray:
    """An array of an npz file, read-only; decompressed on first use and kept, as long as the file does not change.

    Raises:
        DatasetError: The file is damaged or missing, has no such array, or the array holds Python objects.
        StorageError: The array does not fit into memory.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    return _array(path, name, state.st_mtime_ns, state.st_size)


def read_row(path: Path, name: str, index: int | None) -> VoxelArray:
    """One item of an array of an npz file, read-only.

    Raises:
        DatasetError, StorageError: As `read_array`; or the array has no such item.
    """
    values = read_array(path, name)
    if index is None or not 0 <= index < len(values):
        raise DatasetError(f"{path}: {name!r} has {len(values)} rows, there is no row {index}")
    row: VoxelArray = values[index]
    return row


@functools.lru_cache(maxsize=_ARRAYS_KEPT)
def _array(path: Path, name: str, changed: int, size: int) -> VoxelArray:
    """`changed` and `size` are only there so that a rewritten file is read again."""
    known = array_headers(path)
    if name not in known:
        raise DatasetError(f"{path} holds no array {name!r}; it holds {', '.join(sorted(known)) or 'none'}")
    check_memory(path, known[name].shape, known[name].dtype.itemsize, what=f"array {name!r}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            values: VoxelArray = archive[name]
    except _DAMAGED as error:
        raise DatasetError(f"{path}: the array {name!r} is damaged: {error}") from error
    values.flags.writeable = False
    return values


def _header(stream: Any) -> ArrayHeader:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    return ArrayHeader(tuple(shape), dtype)
