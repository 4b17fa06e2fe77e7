"""A file that the system does not let us read is refused with a sentence, as a damaged one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hounsfield.errors import FormatError


@contextmanager
def openable(path: Path) -> Iterator[None]:
    """Turn what the system says of a file at or below `path` into a `FormatError`.

    Raises:
        FormatError: The file may not be opened, or the disk or network cannot give it.
    """
    try:
        yield
    except OSError as error:
        raise FormatError(
            f"{error.filename or path}: cannot be read ({error.strerror or error}); check who may read it, and that "
            "its disk or share is there"
        ) from error
