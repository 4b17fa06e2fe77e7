"""The folder a verb writes into: checked before the work begins, and filled in one go when it is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hounsfield.errors import StorageError


def require_folder(path: Path) -> None:
    """Accept a path that is a folder, or can become one.

    Raises:
        StorageError: A file is in the way, or nothing may be written there.
    """
    place = Path(os.path.abspath(path))
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise StorageError(f"-o {path}: {place} is a file; give a folder, or a name that is not there yet")
    if not os.access(place, os.W_OK | os.X_OK):
        raise StorageError(f"-o {path}: nothing may be written in {place}; choose another place")


@contextmanager
def filled_at_once(folder: Path) -> Iterator[Path]:
    """Give a temporary folder inside `folder`; on leaving without an error its files are moved into `folder`.

    After an error, or when stopped from the keyboard, `folder` is as it was before.

    Raises:
        StorageError: The disk refused.
    """
    temporary = folder / f".{os.getpid()}.part"
    there = folder.is_dir()
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in sorted(temporary.iterdir()):
            os.replace(path, folder / path.name)
    except OSError as error:
        raise StorageError(
            f"could not write into {folder}: {error.strerror or error}; nothing was changed there. Free some space or "
            "choose another place"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if not there and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
