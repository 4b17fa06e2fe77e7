"""The order of class names: of two, the second is the positive one."""

from __future__ import annotations

from collections.abc import Iterable

from hounsfield.errors import DatasetError

_NOTHING_FOUND = frozenset(
    [
        "normal",
        "healthy",
        "control",
        "controls",
        "negative",
        "neg",
        "none",
        "no",
        "absent",
        "false",
        "clear",
        "background",
        "nofinding",
        "nofindings",
        "nolesion",
        "nocancer",
        "notumor",
        "nontumor",
        "noncancer",
        "benignornormal",
        "normalorbenign",
        "normalbenign",
    ]
)
_HARMLESS = frozenset(["benign", "b"])


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Class names, each once, in the order a reader expects: nothing found, harmless, then the rest.

    Within these three groups numbers go by size and words by the alphabet, so that "normal" comes before "abnormal",
    "benign" before "malignant", "2" before "10"; of two classes the second is then the positive one.
    """
    return tuple(sorted(set(names), key=_rank))


def with_positive_last(names: tuple[str, ...], positive: str | None) -> tuple[str, ...]:
    """`names` with `positive` moved to the end; as they are when it is None.

    Raises:
        DatasetError: There is no class of that name.
    """
    if positive is None:
        return names
    if positive not in names:
        raise DatasetError(f"[class] positive = {positive!r} is none of the classes: {', '.join(names)}")
    return (*(name for name in names if name != positive), positive)


def _rank(name: str) -> tuple[int, float, str]:
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    group = 0 if plain in _NOTHING_FOUND else 1 if plain in _HARMLESS else 2
    try:
        return group, float(name), name
    except ValueError:
        return group, float("inf"), name.casefold()
