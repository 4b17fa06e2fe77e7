"""How far apart the classes lie: the probabilities of both, back to back, and the threshold between them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hounsfield.reporting.charts.frame import Frame, round_ticks
from hounsfield.reporting.charts.svg import drawing, element

_BINS = 20


def separation_chart(
    negative: Sequence[float], positive: Sequence[float], *, classes: tuple[str, str], threshold: float
) -> Markup:
    """Histograms of the positive class's probability: positive cases upwards, negative ones downwards.

    Args:
        negative: That probability for each case of the first class, in [0, 1].
        positive: For each case of the second.
        classes: Their names.
        threshold: Where the answer turns.
    """
    up, down = _counts(positive), _counts(negative)
    most = max(*up, *down, 1)
    frame = Frame(y=(-most * 1.12, most * 1.12), bottom=44)
    ticks = [value for value in round_ticks(-most, most, about=6) if value == round(value)]
    x_ticks = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    parts = [frame.axes(f"Probability of {classes[1]}", "Cases", x_ticks=x_ticks, y_ticks=(), decimals=1)]
    for value in ticks:
        y = frame.down(value)
        parts.append(element("line", x1=frame.left, x2=frame.width - frame.right, y1=y, y2=y, class_="rule"))
        parts.append(element("text", f"{abs(value):.0f}", x=frame.left - 8, y=y + 4, class_="tick end"))
    width = (frame.across(1) - frame.across(0)) / _BINS - 1.5
    for number, (above, below) in enumerate(zip(up, down, strict=True)):
        x = frame.across(number / _BINS) + 0.75
        for amount, tone in ((above, "bar hot"), (-below, "bar")):
            if amount:
                top, foot = sorted((frame.down(amount), frame.down(0)))
                parts.append(element("rect", x=x, width=width, y=top, height=foot - top, class_=tone))
    at = frame.across(min(max(threshold, 0.0), 1.0))
    parts.append(element("line", x1=at, x2=at, y1=frame.top, y2=frame.height - frame.bottom, class_="needle"))
    right = frame.width - frame.right
    parts.append(element("text", f"↑ {classes[1]}", x=right, y=frame.top + 4, class_="name end"))
    parts.append(element("text", f"↓ {classes[0]}", x=right, y=frame.height - frame.bottom - 8, class_="name end"))
    title = (
        f"Probabilities of {classes[1]} for {len(positive)} {classes[1]} cases, drawn upwards, and {len(negative)} "
        f"{classes[0]} cases, drawn downwards; threshold {threshold:.3f}"
    )
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def _counts(probabilities: Sequence[float]) -> list[int]:
    counts = [0] * _BINS
    for value in probabilities:
        counts[min(_BINS - 1, max(0, int(value * _BINS)))] += 1
    return counts
