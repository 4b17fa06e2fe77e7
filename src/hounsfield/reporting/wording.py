"""Numbers, times and hashes as words: the same way on every page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from hounsfield.evaluation.evidence import Score

_THIN = "\u202f"
"""Narrow no-break space: groups digits and keeps a number and its unit on one line."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
"""In English whatever the machine's language, as the pages are."""

UNDEFINED = "–"
"""Shown where a figure does not exist, for instance the AUC of a subgroup of one class."""


def number(value: float | None, decimals: int = 3) -> str:
    """The value with `decimals` places and a true minus sign; a dash when it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return f"{value:.{decimals}f}".replace("-", "−")


def figure(value: float | None, digits: int = 3) -> str:
    """The value with at most `digits` significant places, digits grouped as in `count`; for quantities of any size."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == int(value) or abs(value) >= 10**digits:
        return count(round(value))
    size = math.floor(math.log10(abs(value)))
    decimals = max(0, min(9, digits - 1 - size))
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def count(value: int) -> str:
    """A whole number, digits grouped in threes from 10 000 on."""
    text = f"{value:,}" if abs(value) >= 10_000 else str(value)
    return text.replace(",", _THIN).replace("-", "−")


def percent(share: float | None, decimals: int = 0) -> str:
    """A share in [0, 1] as per cent; a dash when it is missing or not finite."""
    if share is None or not math.isfinite(share):
        return UNDEFINED
    return f"{100 * share:.{decimals}f}{_THIN}%"


def interval(score: Score, decimals: int = 3) -> str:
    """The bounds of a score's interval, "0.742–0.836", or "−0.012 to 0.034"; a dash when there is none."""
    if not (math.isfinite(score.low) and math.isfinite(score.high)):
        return UNDEFINED
    return f"{number(score.low, decimals)}{' to ' if score.low < 0 else '–'}{number(score.high, decimals)}"


def duration(seconds: float) -> str:
    """A time span in the two largest units that matter: "42 s", "3 min 20 s", "1 h 05 min"."""
    if not math.isfinite(seconds) or seconds < 0:
        return UNDEFINED
    if seconds < 10:
        return f"{seconds:.1f}{_THIN}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{_THIN}s"
    if whole < 3600:
        return f"{whole // 60}{_THIN}min {whole % 60:02d}{_THIN}s"
    return f"{whole // 3600}{_THIN}h {whole % 3600 // 60:02d}{_THIN}min"


def moment(iso: str) -> str:
    """An ISO 8601 time as "22 November 2026, 21:05 UTC"; what cannot be read as one is returned as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    text = f"{when.day} {_MONTHS[when.month - 1]} {when.year}"
    if "T" not in iso and " " not in iso:
        return text
    zone = " UTC" if when.utcoffset() is not None and not when.utcoffset() else ""
    return f"{text}, {when:%H:%M}{zone}"


def short_hash(sha256: str) -> str:
    """The first twelve digits of a hash, enough to tell two models apart."""
    return sha256[:12]


def plural(amount: int, one: str, many: str = "") -> str:
    """The amount and its noun: "1 case", "12 cases"."""
    return f"{count(amount)} {one if amount == 1 else many or one + 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names joined as in speech: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


_SPELLED = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


def spelled(amount: int) -> str:
    """A whole number to begin a sentence with: as a word up to twelve."""
    return _SPELLED[amount] if 0 <= amount < len(_SPELLED) else count(amount)
