"""Share of landmarks located within a distance, against the distance: up and left is better."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from hounsfield.evaluation.evidence import Curve
from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing, element

_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_NAMED = 6
"""Curves that are named on the chart; more would not be told apart, and the table beside it has them."""

_SHOWN = 0.97
"""Share of all landmarks at which the axis of distances ends: a few far ones would press all others to the left."""


def distance_chart(whole: Curve, others: Mapping[str, Curve], *, unit: str) -> Markup:
    """The curve of all landmarks, and lighter those of single ones.

    Args:
        whole: Of all.
        others: By name.
        unit: Of the distances.
    """
    far = next((x for x, y in zip(whole.x, whole.y, strict=True) if y >= _SHOWN), whole.x[-1]) or 1.0
    ticks = round_ticks(0.0, far)
    frame = Frame(x=(0.0, max(far, ticks[-1])))
    parts = [
        frame.axes(
            f"Distance, {unit}", "Share located", x_ticks=ticks, y_ticks=_SHARES, decimals=max(1, decimals_for(ticks))
        )
    ]
    for number, (name, other) in enumerate(others.items()):
        xs, ys = _within(other, far)
        parts.append(frame.line(xs, ys, "curve train"))
        if len(others) > _NAMED:
            continue
        at = frame.down(0.06 + 0.06 * number)
        parts.append(element("text", name, x=frame.width - frame.right - 4, y=at, class_="tick end"))
    parts.append(frame.line(*_within(whole, far), "curve"))
    title = f"Share of landmarks located within a distance in {unit}"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def _within(curve: Curve, far: float) -> tuple[list[float], list[float]]:
    pairs = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if x <= far]
    return [x for x, _ in pairs], [y for _, y in pairs]
