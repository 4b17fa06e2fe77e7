"""`Frame`: the axes of a chart and the way from values to places on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.reporting.charts.svg import element, plain

_CLOSE = 0.35
"""Points of a curve nearer than this to the last one drawn, in drawing units, are left out."""


@dataclass(frozen=True)
class Frame:
    """A chart's inner rectangle in drawing units, and the values at its borders."""

    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    width: float = 360
    height: float = 336
    left: float = 40
    right: float = 12
    top: float = 30
    bottom: float = 44

    def across(self, value: float) -> float:
        """Drawing coordinate of an x value."""
        return self.left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.width - self.left - self.right)

    def down(self, value: float) -> float:
        """Drawing coordinate of a y value; larger values lie higher."""
        span = self.height - self.top - self.bottom
        return self.top + (1 - (value - self.y[0]) / (self.y[1] - self.y[0])) * span

    def axes(
        self,
        x_label: str,
        y_label: str,
        *,
        x_ticks: Sequence[float],
        y_ticks: Sequence[float],
        decimals: int = 1,
        x_labels: Sequence[str] = (),
    ) -> Markup:
        """Light horizontal rules, tick labels, and both names; the name of y stands over its axis, unturned.

        The ticks of x are labelled with their values, or with `x_labels`.
        """
        left, right, floor = self.left, self.width - self.right, self.height - self.bottom
        parts = []
        for value in y_ticks:
            y = self.down(value)
            parts.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="rule"))
            parts.append(element("text", tick(value, decimals), x=left - 8, y=y + 4, class_="tick end"))
        labels = x_labels or [tick(value, decimals) for value in x_ticks]
        for value, label in zip(x_ticks, labels, strict=True):
            x = self.across(value)
            parts.append(element("line", x1=x, x2=x, y1=floor, y2=floor + 5, class_="axis"))
            parts.append(element("text", label, x=x, y=floor + 19, class_="tick middle"))
        parts.append(element("line", x1=left, x2=right, y1=floor, y2=floor, class_="axis"))
        if y_label:
            parts.append(element("text", y_label, x=0, y=13, class_="name"))
        parts.append(element("text", x_label, x=right, y=self.height - 4, class_="name end"))
        return Markup("").join(parts)

    def line(self, xs: Sequence[float], ys: Sequence[float], class_: str) -> Markup:
        """A curve through the points; those that are not finite are left out."""
        return element("path", d="M" + "L".join(self._places(xs, ys)), class_=class_) if len(xs) else Markup("")

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], class_: str) -> Markup:
        """The area between two curves over the same x."""
        there, back = self._places(xs, high), self._places(list(reversed(xs)), list(reversed(low)))
        return element("path", d="M" + "L".join([*there, *back]) + "Z", class_=class_)

    def _places(self, xs: Sequence[float], ys: Sequence[float]) -> list[str]:
        """The points as drawing coordinates, without those that would fall on the one before."""
        kept: list[tuple[float, float]] = []
        points = [(self.across(x), self.down(y)) for x, y in zip(xs, ys, strict=True) if math.isfinite(x + y)]
        for number, (x, y) in enumerate(points):
            last = number == len(points) - 1
            if last or not kept or abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= _CLOSE:
                kept.append((x, y))
        return [f"{plain(x)} {plain(y)}" for x, y in kept]


def tick(value: float, decimals: int) -> str:
    """A tick's label: whole numbers without places."""
    return f"{value:.0f}" if value == round(value) else f"{value:.{decimals}f}".replace("-", "−")


def round_ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Round numbers (1, 2, 2.5 or 5 times a power of ten) in [low, high], `about` so many."""
    if not high > low:
        return [low]
    rough = (high - low) / max(about, 1)
    power: float = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def decimals_for(ticks: Sequence[float]) -> int:
    """The fewest places, at most 6, that write every tick exactly."""
    for places in range(6):
        if all(abs(round(value, places) - value) < 1e-9 for value in ticks):
            return places
    return 6
