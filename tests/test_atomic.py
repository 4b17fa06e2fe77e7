"""Files and folders are whole, or as they were."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hounsfield import atomic
from hounsfield.atomic import atomic_file, atomic_folder, write_text
from hounsfield.errors import StorageError


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def dead_pid() -> int:
    """The number of a process that has ended."""
    return int(subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True).stdout)


def test_text_is_written_into_folders_that_are_made_for_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "größer")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "größer"
    assert names(tmp_path / "a") == {"b.txt"}


def test_an_error_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "old")
    with pytest.raises(RuntimeError), atomic_file(tmp_path / "x.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "x.txt").read_text() == "old"
    assert names(tmp_path) == {"x.txt"}


def test_a_refusal_of_the_disk_is_a_sentence_and_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "old")
    with (
        largest_file(1000),
        pytest.raises(StorageError, match=r"could not write .*x\.txt: .*nothing was changed there"),
    ):
        write_text(tmp_path / "x.txt", "new" * 1000)
    assert (tmp_path / "x.txt").read_text() == "old"
    assert names(tmp_path) == {"x.txt"}


def test_a_disk_that_is_full_when_the_file_is_flushed_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_text(tmp_path / "x.txt", "new")
    assert names(tmp_path) == set()


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for word in ("old", "new"):
        with atomic_folder(tmp_path / "a" / "B") as temporary:
            write_text(temporary / f"{word}.txt", word)
    assert names(tmp_path / "a" / "B") == {"new.txt"}
    assert names(tmp_path / "a") == {"B"}


def test_an_error_in_the_middle_leaves_the_old_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "B" / "old.txt", "old")
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "B") as temporary:
        write_text(temporary / "new.txt", "new")
        raise RuntimeError
    assert names(tmp_path) == {"B"}
    assert names(tmp_path / "B") == {"old.txt"}


def test_a_folder_that_cannot_be_moved_into_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "B" / "old.txt", "old")
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if str(source).endswith(".part"):
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    with pytest.raises(StorageError, match="Permission denied"), atomic_folder(tmp_path / "B") as temporary:
        (temporary / "new.txt").write_text("new")
        monkeypatch.setattr(os, "replace", refuse)
    assert names(tmp_path) == {"B"}
    assert names(tmp_path / "B") == {"old.txt"}


def test_a_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    write_text(tmp_path / "B", "a letter")
    with pytest.raises(StorageError, match="a file of this name is there"), atomic_folder(tmp_path / "B"):
        pass
    assert (tmp_path / "B").read_text() == "a letter"


def test_what_a_killed_process_left_half_written_is_cleared(tmp_path: Path) -> None:
    pid = dead_pid()
    write_text(tmp_path / f".B.{pid}.part" / "half.txt", "half")
    with atomic_folder(tmp_path / "B") as temporary:
        write_text(temporary / "new.txt", "new")
    assert names(tmp_path) == {"B"}


def test_a_folder_that_a_killed_process_had_moved_aside_is_put_back(tmp_path: Path) -> None:
    write_text(tmp_path / f".B.{dead_pid()}.old" / "old.txt", "old")
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "B"):
        raise RuntimeError
    assert names(tmp_path) == {"B"}
    assert names(tmp_path / "B") == {"old.txt"}


def test_what_a_living_process_is_writing_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / f".B.{os.getppid()}.part" / "half.txt", "half")
    with atomic_folder(tmp_path / "B"):
        pass
    assert names(tmp_path) == {"B", f".B.{os.getppid()}.part"}


def test_the_folder_one_stands_in_can_be_named_by_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "B").mkdir()
    monkeypatch.chdir(tmp_path / "B")
    with atomic_folder(Path()) as temporary:
        write_text(temporary / "new.txt", "new")
    assert names(tmp_path / "B") == {"new.txt"}


def test_a_sentence_says_what_to_do_when_the_system_gives_no_reason() -> None:
    assert atomic._sentence(Path("x"), OSError("odd")) == (
        "could not write x: odd; nothing was changed there. Free some space or choose another place"
    )
