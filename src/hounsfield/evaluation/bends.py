"""Isotonic calibration for many cases: a rising line with bends, where a straight one does not fit.

Pool-adjacent-violators gives the steps of the best rising curve; the line goes through the middle of each step, so that
it never turns two cases round and never makes two different answers one. Beyond the outermost steps it goes on with
slope 1.

Reference:
    Zadrozny, Elkan, "Transforming classifier scores into accurate multiclass probability estimates" (2002),
    doi:10.1145/775047.775151.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray

FEWEST = 500
"""Cases of each class from which on bends may be fitted; with fewer they follow chance."""

FOLDS = 5
_FEWEST_OF_A_STEP = 20


@dataclass(frozen=True)
class Bends:
    """A rising line through points."""

    points: tuple[tuple[float, float], ...]
    """(log-odds, calibrated log-odds), both rising; one at least."""

    def apply(self, logits: FloatArray) -> FloatArray:
        """Calibrated logits, (n, 2), of logits (n, 2)."""
        odds = logits[:, 1] - logits[:, 0]
        x, y = np.array(self.points).T
        inside = np.interp(odds, x, y)
        bent = inside + np.minimum(odds - x[0], 0) + np.maximum(odds - x[-1], 0)
        return np.stack([np.zeros_like(bent), bent], axis=1)


def fit_bends(odds: FloatArray, target: BoolArray) -> Bends:
    """The best rising line.

    Args:
        odds: (n,) log-odds of being positive, of cases that were not learned from.
        target: (n,), true for positive cases; both classes occur.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(odds, kind="stable")
    x, y = odds[order], target[order].astype(np.float64)
    blocks = isotonic_regression(y).blocks
    starts = _large_enough(np.asarray(blocks[:-1], dtype=np.int64), len(x))
    cases = np.diff(np.r_[starts, len(x)])
    found = np.add.reduceat(y, starts)
    share = (found + 0.5) / (cases + 1)  # never 0 or 1
    middle = np.add.reduceat(x, starts) / cases
    rising = np.maximum.accumulate(np.log(share / (1 - share)))
    kept = np.r_[True, (np.diff(rising) > 0) & (np.diff(middle) > 0)]
    return Bends(tuple(zip(middle[kept].tolist(), rising[kept].tolist(), strict=True)))


def _large_enough(starts: IntArray, cases: int) -> IntArray:
    """The starts of steps, those of too few cases made part of the step before."""
    kept = [0]
    for start in starts[1:].tolist():
        if start - kept[-1] >= _FEWEST_OF_A_STEP and cases - start >= _FEWEST_OF_A_STEP:
            kept.append(start)
    return np.array(kept, dtype=np.int64)


def bends_pay(odds: FloatArray, target: BoolArray, patient: IntArray) -> bool:
    """Whether bends, fitted on other patients, make the truth more likely than the log-odds as they are.

    Args:
        odds: (n,), calibrated along a straight line.
        target: (n,).
        patient: (n,), 0 … patients - 1.
    """
    fold = np.random.default_rng(0).permutation(int(patient.max()) + 1)[patient] % FOLDS
    bent = np.zeros_like(odds)
    for number in range(FOLDS):
        own, rest = fold == number, fold != number
        logits = np.stack([np.zeros(own.sum()), odds[own]], axis=1)
        bent[own] = fit_bends(odds[rest], target[rest]).apply(logits)[:, 1]
    sign = np.where(target, -1.0, 1.0)
    return bool(np.logaddexp(0, sign * bent).mean() < np.logaddexp(0, sign * odds).mean())
