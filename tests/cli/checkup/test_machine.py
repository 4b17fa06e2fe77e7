"""The facts of the computer."""

import os
from pathlib import Path

from hounsfield.cli.checkup.machine import can_write, machine_facts


def test_the_facts_are_possible(tmp_path: Path) -> None:
    facts = machine_facts(tmp_path)
    assert 1 <= facts.threads <= facts.cores <= (os.cpu_count() or 1)
    assert 0 < facts.memory_free_bytes <= facts.memory_total_bytes
    assert facts.disk_free_bytes > 0
    assert facts.folder_writable
    assert facts.processor


def test_looking_whether_a_folder_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    assert can_write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    assert not can_write(tmp_path / "nowhere")
