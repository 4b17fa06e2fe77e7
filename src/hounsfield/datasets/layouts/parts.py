"""The words by which data sets call their parts."""

from __future__ import annotations

from hounsfield.datasets.case import Part
from hounsfield.errors import DatasetError

_WORDS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def known_part(word: str) -> Part | None:
    """The part a word stands for, whatever its case; None for other words."""
    return _WORDS.get(word.casefold())


def part_of_word(word: str, *, where: str) -> Part:
    """The part a word stands for.

    Raises:
        DatasetError: It stands for none; the message begins with `where`.
    """
    part = known_part(word)
    if part is None:
        raise DatasetError(
            f"{where} is {word!r}, which is no part; say train, val or test, or translate in [split] values"
        )
    return part
