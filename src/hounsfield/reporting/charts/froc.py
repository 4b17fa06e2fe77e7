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
_WIDTH, _NAMES, _LINE = 440.0, 92.0, 14.0
"""With names beside the curves: of the chart, of the room for names, and between two of them, in drawing units."""
_LETTERS = 13
"""Of a name, that have room there."""
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def froc_chart(curve: Curve, others: Mapping[str, Curve], *, point: tuple[float, float] | None = None) -> Markup:
    """The curve of all lesions with its band, those of single kinds, and the threshold in use.

    Args:
        curve: Of all lesions.
        others: Of single kinds, by name, drawn lighter.
        point: (false alarms an image, sensitivity) at the threshold.
    """
    frame = Frame(
        x=(math.log2(_LOWEST), math.log2(_HIGHEST)), width=_WIDTH if others else 360, right=_NAMES if others else 12
    )
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
    for other in others.values():
        parts.append(frame.line(_placed(other, other.y), _shares(other, other.y), "curve train"))
    ends = {name: frame.down(_shares(other, other.y)[-1]) for name, other in others.items()}
    for name, at in _apart(ends).items():
        shown = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        parts.append(element("text", shown, x=frame.width - frame.right + 6, y=at + 4, class_="tick"))
    parts.append(frame.line(_placed(curve, curve.y), _shares(curve, curve.y), "curve"))
    title = "Free-response ROC: sensitivity against false alarms an image"
    if point is not None and math.isfinite(sum(point)):
        rate, found = min(max(point[0], _LOWEST), _HIGHEST), point[1]
        at = frame.across(math.log2(rate))
        parts.append(element("circle", cx=at, cy=frame.down(found), r=5.5, class_="point"))
        title += f"; at the threshold sensitivity {wording.number(found)} with {wording.number(point[0], 2)} an image"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def _apart(places: Mapping[str, float]) -> dict[str, float]:
    """The same places, moved down so far that no name is written over another."""
    found: dict[str, float] = {}
    for name, place in sorted(places.items(), key=lambda entry: entry[1]):
        found[name] = max(place, max(found.values(), default=-math.inf) + _LINE)
    return found


def _placed(curve: Curve, values: tuple[float, ...]) -> list[float]:
    return [math.log2(x) for x, _ in zip(curve.x, values, strict=True) if x >= _LOWEST]


def _shares(curve: Curve, values: tuple[float, ...]) -> list[float]:
    return [value for x, value in zip(curve.x, values, strict=True) if x >= _LOWEST]
