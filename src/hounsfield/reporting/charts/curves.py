"""ROC, precision against recall, and calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping

from markupsafe import Markup

from hounsfield.evaluation.evidence import Curve, Score
from hounsfield.reporting import wording
from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing, element

_UNIT_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def roc_chart(curve: Curve, scores: Mapping[str, Score]) -> Markup:
    """Sensitivity against the share of false alarms, its band, the diagonal of chance and the operating point."""
    frame = Frame()
    parts = [_unit_axes(frame, "1 − specificity", "Sensitivity")]
    parts.append(frame.line([0, 1], [0, 1], "chance"))
    parts += _curve_and_band(frame, curve)
    title = "ROC curve: sensitivity against one minus specificity"
    if "auc_roc" in scores:
        title += f"; area {wording.number(scores['auc_roc'].value)}"
    if "sensitivity" in scores and "specificity" in scores:
        x, y = 1 - scores["specificity"].value, scores["sensitivity"].value
        parts.append(_operating_point(frame, x, y))
        title += f"; at the threshold sensitivity {wording.number(y)}, specificity {wording.number(1 - x)}"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def precision_recall_chart(curve: Curve, scores: Mapping[str, Score], *, prevalence: float | None) -> Markup:
    """Precision against recall, its band, the level of chance (the prevalence) and the operating point."""
    frame = Frame()
    parts = [_unit_axes(frame, "Recall (sensitivity)", "Precision")]
    if prevalence is not None:
        parts.append(frame.line([0, 1], [prevalence, prevalence], "chance"))
    parts += _curve_and_band(frame, curve)
    title = "Precision against recall"
    if "average_precision" in scores:
        title += f"; average precision {wording.number(scores['average_precision'].value)}"
    if "sensitivity" in scores and "precision" in scores:
        parts.append(_operating_point(frame, scores["sensitivity"].value, scores["precision"].value))
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def calibration_chart(curve: Curve) -> Markup:
    """Share found against mean probability: a dot per group, its area telling its cases, with whiskers."""
    frame = Frame()
    parts = [_unit_axes(frame, "Probability said", "Share that was so")]
    parts.append(frame.line([0, 1], [0, 1], "chance"))
    most = max(curve.count, default=1) or 1
    for number, (x, y) in enumerate(zip(curve.x, curve.y, strict=True)):
        if not math.isfinite(x + y):
            continue
        at = frame.across(x)
        if curve.low and curve.high and math.isfinite(curve.low[number] + curve.high[number]):
            low, high = frame.down(curve.low[number]), frame.down(curve.high[number])
            parts.append(element("line", x1=at, x2=at, y1=low, y2=high, class_="whisker"))
        radius = 1.5 + 4.5 * math.sqrt(curve.count[number] / most) if curve.count else 4.5
        parts.append(element("circle", cx=at, cy=frame.down(y), r=radius, class_="dot"))
    title = "Calibration: the share of positive cases against the probability said"
    if curve.count:
        title += f", {len(curve.x)} groups of {group_sizes(curve)} cases"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def decision_chart(model: Curve, everybody: Curve) -> Markup:
    """Net benefit against the threshold: of the model, of calling everybody positive, and of nobody (0)."""
    highest = max(*model.y, 0.01)
    lowest = -highest / 4
    frame = Frame(y=(lowest, highest * 1.08))
    ticks = round_ticks(0.0, highest)
    parts = [
        frame.axes(
            "Probability from which one would act", "Net benefit", x_ticks=_UNIT_TICKS, y_ticks=ticks,
            decimals=decimals_for(ticks),
        ),
        frame.line([0, 1], [0, 0], "chance"),
    ]  # fmt: skip
    shown = sum(y >= lowest for y in everybody.y)  # it falls, and leaves the chart
    parts.append(frame.line(everybody.x[:shown], everybody.y[:shown], "chance"))
    parts.append(frame.line(model.x, [max(y, lowest) for y in model.y], "curve"))
    title = "Decision curve: net benefit against the probability from which one would act"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def group_sizes(curve: Curve) -> str:
    """How many cases the groups of a calibration curve have: "24", or "22 to 26"."""
    least, most = min(curve.count), max(curve.count)
    return str(most) if least == most else f"{least} to {most}"


def _unit_axes(frame: Frame, x_label: str, y_label: str) -> Markup:
    return frame.axes(x_label, y_label, x_ticks=_UNIT_TICKS, y_ticks=_UNIT_TICKS)


def _curve_and_band(frame: Frame, curve: Curve) -> list[Markup]:
    parts = []
    if curve.low and curve.high:
        parts.append(frame.band(curve.x, curve.low, curve.high, "band"))
    parts.append(frame.line(curve.x, curve.y, "curve"))
    return parts


def _operating_point(frame: Frame, x: float, y: float) -> Markup:
    if not math.isfinite(x + y):
        return Markup("")
    return element("circle", cx=frame.across(x), cy=frame.down(y), r=5.5, class_="point")
