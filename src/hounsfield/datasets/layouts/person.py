"""Age and sex as tables write them."""

from __future__ import annotations

import re

_YEARS_PER_UNIT = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
"""Age strings, value representation AS (PS3.5 section 6.2)."""

_SEXES = {"f": "F", "female": "F", "woman": "F", "w": "F", "m": "M", "male": "M", "man": "M", "o": "O", "other": "O"}


def age_years(cell: str) -> float | None:
    """Years, from "63", "63.5" or DICOM's "063Y", "018M"; None when the cell is empty or says something else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([YMWD]?)", cell.strip().upper())
    if match is None:
        return None
    return float(match[1]) * _YEARS_PER_UNIT[match[2] or "Y"]


def sex(cell: str) -> str:
    """ "F", "M" or "O" for the usual words, otherwise the cell as it is."""
    return _SEXES.get(cell.casefold(), cell)
