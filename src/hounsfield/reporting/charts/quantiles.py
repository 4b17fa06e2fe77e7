"""Where most of some values lie, drawn from their percentiles."""

from __future__ import annotations

import math
from collections.abc import Mapping

from markupsafe import Markup

from hounsfield.reporting import wording
from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing, element

_NEEDED = ("0.5", "25", "50", "75", "99.5")


def quantile_strip(percentiles: Mapping[str, float], *, title: str) -> Markup:
    """A box from the 25th to the 75th percentile, a line from the 0.5th to the 99.5th, a mark at the median.

    Args:
        percentiles: By name, "0.5", "25", "50", "75" and "99.5"; without them, or when all are equal, nothing is drawn.
        title: What the values are.
    """
    if not all(name in percentiles and math.isfinite(percentiles[name]) for name in _NEEDED):
        return Markup("")
    low, first, middle, third, high = (percentiles[name] for name in _NEEDED)
    if high <= low:
        return Markup("")
    air = 0.05 * (high - low)
    frame = Frame(x=(low - air, high + air), height=130, left=12, top=20)
    ticks = round_ticks(*frame.x, about=5)
    y = (frame.top + frame.height - frame.bottom) / 2
    left, right = frame.across(first), frame.across(third)
    parts = [
        frame.axes("Stored value", "", x_ticks=ticks, y_ticks=(), decimals=decimals_for(ticks)),
        element("line", x1=frame.across(low), x2=frame.across(high), y1=y, y2=y, class_="whisker"),
        element("rect", x=left, width=max(right - left, 1), y=y - 13, height=26, class_="bar"),
        element("line", x1=frame.across(middle), x2=frame.across(middle), y1=y - 20, y2=y + 20, class_="needle"),
    ]
    told = f"{title}: median {wording.figure(middle)}, half between {wording.figure(first)} and {wording.figure(third)}"
    return drawing(*parts, width=frame.width, height=frame.height, title=told)
