"""The decision curve: what a model is worth to those who would act on it, whatever threshold they hold right.

Who treats from a probability of t on thinks a missed case (1 - t) / t times as bad as a false alarm. The net benefit at
t is the share of true positives less the share of false positives at that rate of exchange; it is set beside calling
everybody positive, and nobody (0).

Reference:
    Vickers, Elkin, "Decision curve analysis" (2006), doi:10.1177/0272989X06295361.
"""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.evaluation.evidence import Curve

POINTS = 99


def decision_curves(target: BoolArray, probability: FloatArray) -> tuple[Curve, Curve]:
    """Net benefit (y) at thresholds from 0.01 to 0.99 (x): of the model, and of calling everybody positive.

    Args:
        target: (n,), true for positive cases, n > 0.
        probability: (n,), calibrated, in [0, 1].
    """
    thresholds = np.linspace(0.01, 0.99, POINTS)
    odds = thresholds / (1 - thresholds)
    called = probability >= thresholds[:, None]
    found, alarms = (called & target).mean(axis=1), (called & ~target).mean(axis=1)
    share = float(np.mean(target))
    x = tuple(thresholds.tolist())
    model, everybody = found - alarms * odds, share - (1 - share) * odds
    return Curve(x=x, y=tuple(model.tolist())), Curve(x=x, y=tuple(everybody.tolist()))
