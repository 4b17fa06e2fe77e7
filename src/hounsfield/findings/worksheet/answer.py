"""`CriterionAnswer`: what was measured for one criterion, and whether it meets it as far as that can be said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from hounsfield.findings.worksheet.criteria import Criterion

Verdict = Literal["met", "not met", "cannot say"]

UNITS = {"mm": " mm", "mm2": " mm²", "degrees": "°", "percent": " %", "ml": " ml"}
"""Units and how they are written behind a number."""


@dataclass(frozen=True)
class Range:
    """What a quantity may be, as far as the image tells."""

    low: float
    high: float
    """Infinite where nothing bounds it."""

    def meets(self, criterion: Criterion) -> Verdict:
        """Met where all of the range is within the criterion's limits, not met where none of it is."""
        least = -math.inf if criterion.least is None else criterion.least
        most = math.inf if criterion.most is None else criterion.most
        if least <= self.low and self.high <= most:
            return "met"
        return "not met" if self.high < least or self.low > most else "cannot say"

    def words(self, unit: str) -> str:
        """As "8.2 to 12.4 mm"."""
        if math.isinf(self.high):
            return f"{self.low:.1f}{UNITS[unit]} or more"
        return f"{self.low:.1f} to {self.high:.1f}{UNITS[unit]}"


@dataclass(frozen=True)
class Measured:
    """A quantity, its range, and where it was measured."""

    value: float
    seen: Range
    """By what is in the image: the value with its uncertainty."""
    possible: Range
    """With what may lie beyond the image's border."""
    border: str = ""
    """A sentence on what the border hides; empty where that changes nothing."""
    note: str = ""
    """A sentence more on how it was measured."""
    doubt: str = ""
    """Why it may not be what was asked, a sentence without its stop; then no limit is met or missed."""
    from_mm: tuple[float, ...] | None = None
    """(3,), LPS: the lesion's closest point, or an end of a diameter."""
    to_mm: tuple[float, ...] | None = None
    """(3,), LPS: the structure's closest point, or the other end."""
    slice_index: int | None = None
    """Depth index of the slice that it was measured in, where it is one."""


@dataclass(frozen=True)
class CriterionAnswer:
    """One line of the worksheet. It states what was measured; it does not decide."""

    name: str
    """The criterion's."""
    measure: str
    structure: str
    """Empty where the criterion is about the lesion alone."""
    verdict: Verdict
    why: str
    """A sentence."""
    limit: str
    """In words, for instance "at least 10 mm"."""
    unit: str
    """"mm", "mm2", "degrees", "percent" or "ml"."""
    value: float | None = None
    """None where it could not be measured."""
    low: float | None = None
    """With the uncertainty, and with what the border of the image may hide, it is no less than this."""
    high: float | None = None
    """And no more than this; None where nothing bounds it."""
    from_mm: tuple[float, ...] | None = None
    """(3,), LPS: the lesion's closest point, or an end of a diameter."""
    to_mm: tuple[float, ...] | None = None
    """(3,), LPS: the structure's closest point, or the other end."""
    slice_index: int | None = None
    """Depth index of the slice that it was measured in, where it is one."""
    side: str = ""
    """"inside" or "outside": from which a distance or a contact was asked for."""
    margin_mm: float = 0.0
    """That is taken out around the lesion, where the criterion names one."""


def answered(criterion: Criterion, measured: Measured) -> CriterionAnswer:
    """The criterion's line, from what was measured."""
    verdict = "cannot say" if measured.doubt else measured.possible.meets(criterion)
    seen = measured.seen.meets(criterion)
    limit, unit = limit_words(criterion), criterion.unit
    number = f"measured {measured.value:.1f}{UNITS[unit]}"
    if measured.seen.high > measured.seen.low:
        number += f", {measured.seen.words(unit)} with its uncertainty"
    if measured.doubt:
        why = f"{measured.doubt} ({number})."
    elif verdict == "cannot say" and seen != "cannot say":
        why = f"By what the image shows it is {seen} ({number}), but {measured.border}."
    elif verdict == "cannot say":
        why = f"The limit, {limit}, lies within the uncertainty: {number}."
    else:
        why = f"{number[0].upper()}{number[1:]}; wanted is {limit}."
    why = f"{why} {measured.note}".rstrip()
    return CriterionAnswer(
        name=criterion.name,
        measure=criterion.measure,
        structure=getattr(criterion, "structure", ""),
        verdict=verdict,
        why=why,
        limit=limit,
        unit=unit,
        value=measured.value,
        low=measured.possible.low,
        high=None if math.isinf(measured.possible.high) else measured.possible.high,
        from_mm=measured.from_mm,
        to_mm=measured.to_mm,
        slice_index=measured.slice_index,
        side=getattr(criterion, "side", ""),
        margin_mm=getattr(criterion, "margin_mm", 0.0),
    )


def unanswered(criterion: Criterion, why: str) -> CriterionAnswer:
    """The criterion's line where nothing could be measured."""
    return CriterionAnswer(
        name=criterion.name,
        measure=criterion.measure,
        structure=getattr(criterion, "structure", ""),
        verdict="cannot say",
        why=f"{why[:1].upper()}{why[1:]}.",
        limit=limit_words(criterion),
        unit=criterion.unit,
        side=getattr(criterion, "side", ""),
    )


def limit_words(criterion: Criterion) -> str:
    """For instance "at least 10 mm and at most 50 mm", or "at least 10 mm from inside"."""
    unit = UNITS[criterion.unit]
    parts = [
        f"{words} {limit:g}{unit}"
        for words, limit in (("at least", criterion.least), ("at most", criterion.most))
        if limit is not None
    ]
    return " and ".join(parts) + (" from inside" if getattr(criterion, "side", "") == "inside" else "")
