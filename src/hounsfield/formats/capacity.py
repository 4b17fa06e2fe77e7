"""Declared sizes held against what is there: refused by a sentence before anything is allocated."""

from __future__ import annotations

from math import prod
from pathlib import Path

from hounsfield.errors import FormatError, StorageError

_SHARE_OF_MEMORY = 0.9
"""An image may take this part of the memory that is free."""
_SMALL_BYTES = 1 << 28
"""Images below this are not held against the free memory: asking costs more than it saves."""


def check_memory(path: Path | str, shape: tuple[int, ...], itemsize: int, *, what: str = "image") -> None:
    """Return if an array of this shape fits into the free memory.

    Args:
        path: The file, for the sentence.
        shape: Of the array.
        itemsize: Bytes of memory for each of its values.
        what: What the array is, for the sentence.

    Raises:
        StorageError: It does not.
    """
    check_free(path, shape, prod(shape) * itemsize, what=what)


def check_free(path: Path | str, shape: tuple[int, ...], wanted: int, *, what: str) -> None:
    """Return if so many bytes fit into the free memory.

    Args:
        path: The file, for the sentence.
        shape: Of its array, for the sentence.
        wanted: Bytes.
        what: What takes them, for the sentence.

    Raises:
        StorageError: They do not.
    """
    if is_small(wanted):
        return
    free = free_memory()
    if wanted > free * _SHARE_OF_MEMORY:
        raise StorageError(
            f"{path}: its {_times(shape)} {what} needs {_giga(wanted)} GB of memory, {_giga(free)} GB are free; "
            "read a smaller image, or use a machine with more memory"
        )


def is_small(count: int) -> bool:
    """Whether so many bytes need not be held against the free memory."""
    return count < _SMALL_BYTES


def free_memory() -> int:
    """Bytes of memory that can be had now."""
    import psutil

    return int(psutil.virtual_memory().available)


def check_bytes(path: Path | str, shape: tuple[int, ...], *, needed: int, present: int) -> None:
    """Return if the pixel bytes that are present can hold the declared image.

    Args:
        path: The file, for the sentence.
        shape: What the header declares, for the sentence.
        needed: Fewest bytes that could hold it.
        present: Bytes of pixel data in the file.

    Raises:
        FormatError: Too few bytes: the file is cut off, or its header is wrong.
    """
    if present >= needed:
        return
    if present <= 0:
        raise FormatError(
            f"{path}: the header declares {_times(shape)} pixels and the file holds none; copy it again from its source"
        )
    raise FormatError(
        f"{path}: the header declares {_times(shape)} pixels, at least {needed:,} bytes, and the file holds "
        f"{present:,}; it is cut off or damaged, copy it again from its source"
    )


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)


def _giga(count: int) -> str:
    return f"{count / 1e9:.1f}"
