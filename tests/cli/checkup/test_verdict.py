"""What the facts mean, and the command that mends."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hounsfield.cli.checkup.codecs import Codec
from hounsfield.cli.checkup.machine import MachineFacts
from hounsfield.cli.checkup.packages import FOR_DEVELOPERS, Package
from hounsfield.cli.checkup.verdict import GIB, GIVES, Verdict, ready, verdicts

MACHINE = MachineFacts(
    system="Linux 6.1",
    python="3.11.7",
    processor="A processor",
    cores=2,
    threads=2,
    memory_total_bytes=16 * GIB,
    memory_free_bytes=8 * GIB,
    folder=Path("here"),
    disk_free_bytes=50 * GIB,
    folder_writable=True,
    instructions="AVX512",
    bf16=True,
    torch_threads=2,
    gpus=(),
)
NUMPY = Package("numpy", ">=2.0", "", "2.4.6", "")
RLE = Codec("1.2.840.10008.1.2.5", "RLE Lossless", "")


def of_level(level: str, found: tuple[Verdict, ...]) -> list[Verdict]:
    """Those of one level."""
    return [verdict for verdict in found if verdict.level == level]


def test_a_sound_machine_is_ready_without_notes() -> None:
    found = verdicts(MACHINE, [NUMPY], [RLE])
    assert ready(found)
    assert len(of_level("good", found)) == len(found) == 4


def test_a_missing_package_is_bad_and_the_command_installs_it() -> None:
    found = verdicts(None, [NUMPY, Package("pydicom", ">=3.0", "", "", "not installed")], [])
    assert not ready(found)
    assert found[0] == Verdict("bad", "pydicom: not installed", f"{sys.executable} -m pip install 'pydicom>=3.0'")


def test_an_incomplete_extra_is_a_note_with_one_command() -> None:
    slides = [Package(name, "", "pathology", "", "not installed") for name in ("wsidicom", "openslide-python")]
    (note,) = of_level("note", verdicts(MACHINE, [NUMPY, *slides], [RLE]))
    assert note.text == "the extra 'pathology' is not complete: wsidicom, openslide-python"
    assert note.mend.endswith("-m pip install 'hounsfield[pathology]'")


def test_an_extra_that_is_missing_says_what_it_would_give() -> None:
    (note,) = of_level("note", verdicts(MACHINE, [NUMPY, Package("nncf", "", "int8", "", "not installed")], [RLE]))
    assert note.text == "the extra 'int8' is not complete: nncf; with it networks are read in 8 bits on request"


def test_all_that_an_extra_gives_is_said_of_extras_there_are() -> None:
    with (Path(__file__).parents[3] / "pyproject.toml").open("rb") as stream:
        extras = tomllib.load(stream)["project"]["optional-dependencies"]
    assert set(GIVES) == set(extras) - FOR_DEVELOPERS


def test_an_unreadable_transfer_syntax_is_bad_and_named() -> None:
    found = verdicts(MACHINE, [NUMPY], [replace(RLE, fault="no decoder")])
    assert "RLE Lossless" in found[0].text
    assert not ready(found)


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({"folder_writable": False}, "bad", "nothing can be written in here"),
        ({"memory_free_bytes": GIB}, "note", "only 1.0 GiB of memory are free"),
        ({"disk_free_bytes": GIB // 2}, "note", "only 0.5 GiB are free on the disk of here"),
        ({"bf16": False}, "note", "no native bfloat16"),
    ],
)
def test_each_shortage_is_said(changed: dict[str, object], level: str, words: str) -> None:
    (verdict,) = of_level(level, verdicts(replace(MACHINE, **changed), [NUMPY], [RLE]))
    assert words in verdict.text


def test_the_worst_comes_first() -> None:
    shaky = replace(MACHINE, bf16=False, folder_writable=False)
    assert [verdict.level for verdict in verdicts(shaky, [NUMPY], [RLE])][:2] == ["bad", "note"]
