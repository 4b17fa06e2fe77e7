"""Amounts: a bar in a table, a histogram, and a probability against its threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from hounsfield.reporting import wording
from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing, element, share, strip

_BINS = 24


def amount_bar(name: str, amount: float, most: float) -> Markup:
    """A bar whose length is `amount` of `most`, for a column of a table."""
    parts = [
        element("rect", x=0, y=6, width="100%", height=10, class_="trough"),
        element("rect", x=0, y=6, width=share(amount, 0, most or 1), height=10, class_="bar"),
    ]
    return strip(*parts, height=22, title=f"{name}: {wording.figure(amount)}")


def composition(names: Sequence[str], amounts: Sequence[int]) -> Markup:
    """What a whole is made of: one bar cut into parts, in shades that differ in lightness, each named below it."""
    total = sum(amounts) or 1
    parts, start = [], 0.0
    for number, amount in enumerate(amounts):
        width = amount / total
        shade = f"part part-{number % 6}"
        parts.append(element("rect", x=share(start), y=0, width=share(width), height=34, class_=shade))
        start += width
    words = ", ".join(f"{name} {wording.count(amount)}" for name, amount in zip(names, amounts, strict=True))
    return strip(*parts, height=34, title=f"Composition: {words}", class_="strip composition")


def probability_bar(label: str, probability: float, threshold: float | None) -> Markup:
    """A probability on a track from 0 to 1, with the threshold, where one decides, as a mark across it."""
    hot = " hot" if threshold is not None and probability >= threshold else ""
    parts = [
        element("rect", x=0, y=9, width="100%", height=12, class_="trough"),
        element("rect", x=0, y=9, width=share(probability), height=12, class_=f"bar{hot}"),
    ]
    title = f"Probability of {label} {wording.number(probability)}"
    if threshold is not None:
        parts.append(element("line", x1=share(threshold), x2=share(threshold), y1=2, y2=28, class_="needle"))
        title += f", threshold {wording.number(threshold)}"
    return strip(*parts, height=30, title=title)


def histogram(values: Sequence[float], *, x_label: str, title: str, y_label: str = "Cases") -> Markup:
    """How often values occur, in at most 24 bins of equal width; values that are not finite are left out."""
    finite = [float(value) for value in values if math.isfinite(value)]
    if not finite:
        return Markup("")
    low, high = min(finite), max(finite)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = max(1, min(_BINS, math.ceil(2 * len(finite) ** (1 / 3))))
    counts = [0] * bins
    for value in finite:
        counts[min(bins - 1, int((value - low) / (high - low) * bins))] += 1
    edges = [low + (high - low) * number / bins for number in range(bins + 1)]
    return bars_over_axis(edges, counts, x_label=x_label, y_label=y_label, title=title)


def bars_over_axis(
    edges: Sequence[float], counts: Sequence[float], *, x_label: str, title: str, y_label: str = "Cases"
) -> Markup:
    """A histogram that was counted already: `counts` between `edges`, which has one entry more."""
    top = max(counts, default=0) or 1
    frame = Frame(x=(edges[0], edges[-1]), y=(0, top * 1.05), height=240, left=52)
    x_ticks = round_ticks(*frame.x, about=5)
    y_ticks = [value for value in round_ticks(0, frame.y[1], about=4) if top < 4 or value == round(value)]
    parts = [
        frame.axes(x_label, y_label, x_ticks=x_ticks, y_ticks=y_ticks, decimals=decimals_for([*x_ticks, *y_ticks]))
    ]
    for left, right, amount in zip(edges, edges[1:], counts, strict=False):
        x, width = frame.across(left), frame.across(right) - frame.across(left)
        y = frame.down(amount)
        parts.append(element("rect", x=x + 0.5, width=max(width - 1, 0.5), y=y, height=frame.down(0) - y, class_="bar"))
    return drawing(*parts, width=frame.width, height=frame.height, title=title)
