"""Intervals: a dot with whiskers on a track of a table, and the ruler at the head of a page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from hounsfield.evaluation.evidence import Score
from hounsfield.reporting import wording
from hounsfield.reporting.charts.svg import element, share, strip


def interval_track(
    name: str, score: Score, *, reference: float | None = None, against: str = "without skill"
) -> Markup:
    """A dot at the score and whiskers to the bounds of its interval, on a track from 0 to 1.

    Args:
        name: What is scored, for the description.
        score: A figure that is not finite leaves the track empty.
        reference: Marked by a dashed tick: what a model without skill would reach, or the like.
        against: What the reference is, for the description.
    """
    parts = [element("line", x1="0%", x2="100%", y1=13, y2=13, class_="rule")]
    for place in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(element("line", x1=share(place), x2=share(place), y1=10, y2=16, class_="rule"))
    title = f"{name}: not defined"
    if math.isfinite(score.value):
        title = f"{name} {wording.number(score.value)}"
    if reference is not None:
        at = share(reference)
        parts.append(element("line", x1=at, x2=at, y1=4, y2=22, class_="reference"))
        title += f", {against} {wording.number(reference)}"
    if math.isfinite(score.value):
        if math.isfinite(score.low + score.high):
            low, high = share(score.low), share(score.high)
            parts.append(element("line", x1=low, x2=high, y1=13, y2=13, class_="whisker"))
            parts.append(element("line", x1=low, x2=low, y1=8, y2=18, class_="jaw"))
            parts.append(element("line", x1=high, x2=high, y1=8, y2=18, class_="jaw"))
            title += f", 95\u202f% interval {wording.number(score.low)} to {wording.number(score.high)}"
        parts.append(element("circle", cx=share(score.value), cy=13, r=4.5, class_="dot"))
    return strip(*parts, height=26, title=title)


def difference_track(name: str, score: Score, *, limit: float) -> Markup:
    """A dot at a difference and whiskers to the bounds of its interval, on a track from -limit to limit around 0."""
    middle, values = share(0.0, -limit, limit), (score.low, score.value, score.high)
    low, value, high = (share(end, -limit, limit) for end in values)
    parts = [
        element("line", x1="0%", x2="100%", y1=13, y2=13, class_="rule"),
        element("line", x1=middle, x2=middle, y1=4, y2=22, class_="reference"),
        element("line", x1=low, x2=high, y1=13, y2=13, class_="whisker"),
        element("line", x1=low, x2=low, y1=8, y2=18, class_="jaw"),
        element("line", x1=high, x2=high, y1=8, y2=18, class_="jaw"),
        element("circle", cx=value, cy=13, r=4.5, class_="dot"),
    ]
    said = [wording.number(end) for end in values]
    title = f"{name}: difference {said[1]}, 95\u202f% interval {said[0]} to {said[2]}"
    return strip(*parts, height=26, title=title)


def track_scale(low: float = 0.0, high: float = 1.0) -> Markup:
    """The numbers under a column of tracks."""
    parts = []
    for place, anchor in ((low, "start"), ((low + high) / 2, "middle"), (high, "end")):
        text = wording.figure(place, 2)
        parts.append(element("text", text, x=share(place, low, high), y=12, class_=f"tick {anchor}"))
    return strip(*parts, height=16, title=f"Scale from {wording.figure(low, 2)} to {wording.figure(high, 2)}")


def ruler(score: Score, *, name: str, reference: float | None = None) -> Markup:
    """The page's main figure as a measurement: a ruler from 0 to 1 held between the jaws of a caliper."""
    parts = _ruler_ticks()
    title = f"{name} {wording.number(score.value)} on a ruler from 0 to 1"
    if math.isfinite(score.low + score.high):
        low, high = share(score.low), share(score.high)
        width = f"{max(0.0, float(high[:-1]) - float(low[:-1])):.2f}%"
        parts.append(element("rect", x=low, width=width, y=14, height=26, class_="span"))
        for at in (low, high):
            parts.append(element("line", x1=at, x2=at, y1=8, y2=46, class_="jaw"))
        title += f", 95\u202f% interval {wording.number(score.low)} to {wording.number(score.high)}"
    if reference is not None:
        at = share(reference)
        parts.append(element("line", x1=at, x2=at, y1=8, y2=46, class_="reference"))
    if math.isfinite(score.value):
        at = share(score.value)
        parts.append(element("line", x1=at, x2=at, y1=2, y2=46, class_="needle"))
        parts.append(element("circle", cx=at, cy=27, r=6, class_="dot"))
    return strip(*parts, height=66, title=title, class_="strip ruler")


def probability_ruler(probabilities: Sequence[float], *, thresholds: Sequence[float], title: str) -> Markup:
    """All answers of a batch on one ruler: a stroke for each probability, and the thresholds as tall marks."""
    parts = _ruler_ticks()
    for value in probabilities:
        at = share(value)
        positive = bool(thresholds) and value >= thresholds[0]
        parts.append(element("line", x1=at, x2=at, y1=16, y2=40, class_="stroke hot" if positive else "stroke"))
    for value in thresholds:
        at = share(value)
        parts.append(element("line", x1=at, x2=at, y1=4, y2=46, class_="needle"))
    return strip(*parts, height=66, title=title, class_="strip ruler")


def _ruler_ticks() -> list[Markup]:
    """A base line with a mark every 0.02, longer ones every 0.1, and numbers that fit a phone."""
    parts = [element("line", x1="0%", x2="100%", y1=46, y2=46, class_="axis")]
    for fiftieth in range(51):
        at = share(fiftieth / 50)
        major = fiftieth % 5 == 0
        parts.append(element("line", x1=at, x2=at, y1=40 if major else 43, y2=46, class_="axis" if major else "rule"))
    for fifth in range(6):
        anchor = {0: "start", 5: "end"}.get(fifth, "middle")
        label = f"{fifth / 5:g}"
        parts.append(element("text", label, x=share(fifth / 5), y=62, class_=f"tick {anchor}"))
    return parts
