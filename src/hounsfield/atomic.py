"""Files and folders that are whole or not there: written beside the target, then moved into place."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hounsfield.errors import StorageError


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; on leaving without an error it is flushed and moved onto `target`.

    After an error, or when the process is killed, `target` is as it was before.

    Raises:
        StorageError: The disk is full or read-only, or the folder cannot be made.
    """
    temporary = _beside(target, "part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise StorageError(_sentence(target, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside `target`; on leaving without an error it takes the place of `target`.

    After an error `target` is as it was before. A folder that is replaced is moved aside for a moment; when the process
    is killed in that moment, the next call for the same target puts it back, and clears what was left half-written.

    Raises:
        StorageError: The disk is full or read-only, or the target is a file.
    """
    place = target.resolve()  # "." has no name of its own, and a link is followed
    temporary, old = _beside(place, "part"), _beside(place, "old")
    try:
        _clear_leftovers(place)
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file of this name is there")
        temporary.mkdir(parents=True)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                _flush(path)
        _exchange(temporary, place, old)
    except OSError as error:
        raise StorageError(_sentence(target, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(target: Path) -> None:
    """Remove a folder so that it is whole or gone, at whatever moment the process is killed.

    Raises:
        StorageError: The folder's own folder may not be changed.
    """
    place = target.resolve()
    aside = _beside(place, "part")
    try:
        os.replace(place, aside)
    except OSError as error:
        raise StorageError(f"could not remove {target}: {error.strerror or error}") from error
    shutil.rmtree(aside, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8 to `target`, whole or not at all.

    Raises:
        StorageError: As `atomic_file`.
    """
    with atomic_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _beside(target: Path, ending: str) -> Path:
    """A hidden name in the target's folder that no other process uses."""
    return target.with_name(f".{target.name}.{os.getpid()}.{ending}")


def _exchange(temporary: Path, target: Path, old: Path) -> None:
    """Put `temporary` in the place of `target`, which is moved to `old` and then removed."""
    if target.exists():
        os.replace(target, old)
    try:
        os.replace(temporary, target)
    except OSError:
        if old.exists():
            os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _clear_leftovers(target: Path) -> None:
    """Undo what processes that were killed while they wrote `target` left beside it."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*"):
        _, pid, ending = path.name.rsplit(".", 2)
        if ending not in ("part", "old") or not pid.isdecimal() or _writes(int(pid)):
            continue
        if ending == "old" and not target.exists():
            os.replace(path, target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _writes(pid: int) -> bool:
    """Whether another process of this number is alive, and may be writing."""
    import psutil

    return pid != os.getpid() and bool(psutil.pid_exists(pid))


def _flush(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sentence(target: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"could not write {target}: {reason}; nothing was changed there. Free some space or choose another place"
