"""Learning curves: loss and score by epoch, a line for each member of the ensemble."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.reporting.charts.frame import Frame, decimals_for, round_ticks
from hounsfield.reporting.charts.svg import drawing, element


@dataclass(frozen=True)
class LearningCurve:
    """How one member of the ensemble (or one fold) learned; all four columns have one length."""

    member: str
    """For instance "fold 1"; empty where there is only one."""
    epoch: tuple[int, ...]
    train_loss: tuple[float, ...]
    val_loss: tuple[float, ...]
    """Empty where nothing was held back."""
    val_score: tuple[float, ...]
    """The score that chose the best epoch, for instance AUC; empty where nothing was held back."""
    kept: int | None = None
    """The epoch whose weights were kept; None means the one with the best `val_score`."""

    def kept_place(self) -> int | None:
        """Where in the columns the kept epoch stands."""
        if self.kept is not None:
            return self.epoch.index(self.kept) if self.kept in self.epoch else None
        finite = [number for number, value in enumerate(self.val_score) if math.isfinite(value)]
        return max(finite, key=lambda number: self.val_score[number]) if finite else None


def loss_chart(curves: Sequence[LearningCurve]) -> Markup:
    """Training loss (thin) and validation loss (strong) by epoch; a dot marks the epoch whose weights were kept."""
    values = [value for curve in curves for value in (*curve.train_loss, *curve.val_loss)]
    frame = _frame(curves, values, from_zero=True)
    if frame is None:
        return Markup("")
    parts = [_axes(frame)]
    for curve in curves:
        parts.append(frame.line(curve.epoch, curve.train_loss, "curve train"))
    for curve in curves:
        if curve.val_loss:
            parts.append(frame.line(curve.epoch, curve.val_loss, "curve"))
            parts.append(_kept_dot(frame, curve, curve.val_loss))
    title = f"Loss by epoch, training and validation, {_members(curves)}"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def score_chart(curves: Sequence[LearningCurve], *, score: str) -> Markup:
    """The validation score by epoch; a dot marks the epoch whose weights were kept."""
    values = [value for curve in curves for value in curve.val_score]
    frame = _frame(curves, values, from_zero=False)
    if frame is None:
        return Markup("")
    parts = [_axes(frame)]
    for curve in curves:
        if curve.val_score:
            parts.append(frame.line(curve.epoch, curve.val_score, "curve"))
            parts.append(_kept_dot(frame, curve, curve.val_score))
    title = f"{score} on validation cases by epoch, {_members(curves)}"
    return drawing(*parts, width=frame.width, height=frame.height, title=title)


def _frame(curves: Sequence[LearningCurve], values: Sequence[float], *, from_zero: bool) -> Frame | None:
    """Axes that hold all the values with some air; None when there is nothing to draw."""
    finite = [value for value in values if math.isfinite(value)]
    epochs = [epoch for curve in curves for epoch in curve.epoch]
    if not finite or not epochs:
        return None
    low, high = min(finite), max(finite)
    air = 0.06 * (high - low) or 0.05
    bottom = min(0.0, low) if from_zero else low - air
    last = max(epochs)
    first = min(epochs)
    return Frame(x=(first, last if last > first else first + 1), y=(bottom, high + air), height=264, left=46, top=10)


def _axes(frame: Frame) -> Markup:
    """Without the name of y: it is the figure's heading."""
    x_ticks = [value for value in round_ticks(*frame.x, about=6) if value == round(value)]
    y_ticks = round_ticks(*frame.y, about=5)
    return frame.axes("Epoch", "", x_ticks=x_ticks, y_ticks=y_ticks, decimals=decimals_for(y_ticks))


def _kept_dot(frame: Frame, curve: LearningCurve, column: Sequence[float]) -> Markup:
    place = curve.kept_place()
    if place is None or place >= len(column) or not math.isfinite(column[place]):
        return Markup("")
    return element("circle", cx=frame.across(curve.epoch[place]), cy=frame.down(column[place]), r=5, class_="point")


def _members(curves: Sequence[LearningCurve]) -> str:
    return "one member" if len(curves) == 1 else f"{len(curves)} members"
