"""`Finding`: one thing seen in an image."""

from __future__ import annotations

from dataclasses import dataclass

from hounsfield.findings.region import Box


@dataclass(frozen=True)
class Finding:
    """One thing seen, where it lies and how sure the reader is."""

    label: str
    probability: float
    """That it is there, of whatever kind, in [0, 1]; calibrated only if the reading says so."""
    box: Box | None = None
    """Pixels of the image as stored."""
    by_kind: tuple[tuple[str, float], ...] = ()
    """Of several kinds that it may be, each with its share of the probability; the label is the likeliest."""
