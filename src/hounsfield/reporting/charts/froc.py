"""Free-response ROC: sensitivity against false alarms an image, on an axis that doubles from mark to mark."""

from __future__ import annotations

import math
from collections.abc import Mapping

from markupsafe import Markup

from hounsfield.evaluation.evidence import Curve
from hounsfield.reporting import wording
from hounsfield.reporting.charts.frame import Frame
from hounsfield.reporting.charts.svg import drawing, element

_LOWEST, _HIGHEST = 0.0625, 8.0
_TICKS = {0.125: "⅛", 0.25: "¼", 0.5: "½", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def froc_chart(curve: Curve, others: Mapping[str, Curve], *, point: tuple[float, float] | None = None) -> Markup:
    """The curve of all lesions with its band, those of single kinds, and the threshold in use.

    Args:
        curve: Of all lesions.
        others: Of single kinds, by name, drawn lighter.
        point: (false alarms an image, sensitivity) at the threshold.
    """
    frame = Frame(x=(math.log2(_LOWEST), math.log2(_HIGHEST)))
    parts = [
        frame.axes(
            "False alarms an image",
            "Sensitivity",
            x_ticks=[math.log2(rate) for rate in _TICKS],
            x_labels=list(_TICKS.values()),
            y_ticks=_SHARES,
        )
    ]
    if curve.low and curve.high:
        low, high = _shares(curve, curve.low), _shares(curve, curve.high)
        parts.append(frame.band(_placed(curve, curve.low), low, high, "band"))
    for number, (name, other) in enumerate(others.items()):
        parts.append(frame.line(_placed(other, other.y), _shares(other, other.y), "curve train"))
        at = frame.down(_shares(other, other.y)[0]) - (6 if number % 2 else -14)
        parts.append(element("text", name, x=frame.left + 4, y=at, class_="tick"))
    parts.append(frame.line(_placed(curve, curve.y), _shares(curve, curve.y), "curve"))
    title = "Free-response ROC: sensitivity against false alarms an image"
    if point is not None and math.isfinite(sum(point)):
        rate, found = min(max(point[0], _LOWEST), _HIGHEST), point[1]
        at = frame.across(math.log2(rate))
        parts.append(element("circle", cx=at, cy=frame.down(found), r=5.5, class_="point"))
        title += f"; at the threshold sensitivity {wording.number(found)} with {wording.number(point[0], 2)} an image"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def _placed(curve: Curve, values: tuple[float, ...]) -> list[float]:
    return [math.log2(x) for x, _ in zip(curve.x, values, strict=True) if x >= _LOWEST]


def _shares(curve: Curve, values: tuple[float, ...]) -> list[float]:
    return [value for x, value in zip(curve.x, values, strict=True) if x >= _LOWEST]
