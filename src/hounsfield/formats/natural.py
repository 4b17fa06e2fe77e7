"""Natural order: slice2 before slice10."""

from __future__ import annotations

import re
from pathlib import Path

_DIGITS = re.compile(r"(\d+)")


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key by which numbers inside names count as numbers; folders part by part, upper and lower case alike."""
    key: list[tuple[int, int, str]] = []
    for part in path.parts:
        pieces = _DIGITS.split(part.casefold())
        key.extend((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece)
        key.append((-1, 0, ""))
    return key
