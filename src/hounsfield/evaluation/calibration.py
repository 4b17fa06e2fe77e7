"""Whether 0.9 means 90 %: reliability, its error, and two ways to mend it.

`fit_temperature` and `fit_platt` are fitted on validation data and return a value that turns logits into calibrated
probabilities; it is callable, and its fields are all there is to store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError, ShapeError
from hounsfield.evaluation.evidence import Curve
from hounsfield.evaluation.intervals import wilson_interval

_CASES_A_BIN = 10
"""Fewer cases than this have no share worth drawing."""

_TEMPERATURES = (0.05, 20.0)
"""Bounds of the fitted temperature: beyond them the network says nothing or the cases were too few."""


def equal_mass_bins(probability: FloatArray, bins: int) -> IntArray:
    """(n,), the bin of each case, 0 … at most `bins` - 1, rising with the probability and of nearly equal size.

    Equal probabilities share a bin, whichever way the cases are ordered, so there may be fewer bins than wanted.
    """
    values, place, count = np.unique(probability, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(count) - count / 2
    bin_of_value = np.floor(middle_rank * bins / len(probability)).astype(np.int64)
    numbered = np.unique(bin_of_value, return_inverse=True)[1]
    return np.asarray(numbered[place], dtype=np.int64)


def calibration_bins(probability: FloatArray, *, bins: int = 10) -> IntArray:
    """(n,), the bin of each case: at most `bins`, and at most one for every ten cases."""
    return equal_mass_bins(probability, max(1, min(bins, len(probability) // _CASES_A_BIN)))


def reliability(target: BoolArray, probability: FloatArray, *, bins: int = 10) -> Curve:
    """Share of positive cases (y) against mean probability (x) in bins of equal mass, with 95 % Wilson intervals.

    The intervals take the cases as independent: where patients have several cases they are a little too narrow.

    Args:
        target: (n,), true for positive cases, n > 0.
        probability: (n,), in [0, 1].
        bins: At most this many, and at most one for every ten cases.
    """
    place = calibration_bins(probability, bins=bins)
    count = np.bincount(place).astype(np.float64)
    found = np.bincount(place, weights=np.asarray(target, dtype=np.float64)).astype(np.float64)
    mean = np.bincount(place, weights=probability) / count
    low, high = wilson_interval(found, count)
    return Curve(
        x=tuple(mean.tolist()),
        y=tuple((found / count).tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        count=tuple(int(cases) for cases in count),
    )


def expected_calibration_error(target: BoolArray, probability: FloatArray, *, bins: int = 10) -> float:
    """Mean distance, over the cases, between the probability said and the share that was so, in bins of equal mass.

    In [0, 1], 0 is perfect; bins as in `reliability`. Few cases make it larger by chance alone.

    Reference:
        Naeini et al., AAAI 2015; bins of equal mass after Nixon et al., CVPR workshops 2019, arXiv:1904.01685.
    """
    curve = reliability(target, probability, bins=bins)
    gaps = np.abs(np.array(curve.x) - np.array(curve.y))
    return float(np.average(gaps, weights=curve.count))


@dataclass(frozen=True)
class Temperature:
    """Softmax of logits divided by one number: softens every answer alike and changes no ranking within a case."""

    temperature: float
    """> 1 where the network was too sure."""

    def __call__(self, logits: FloatArray) -> FloatArray:
        """Calibrated probabilities, (n, classes) float64, of logits (n, classes)."""
        from scipy.special import softmax

        calibrated: FloatArray = softmax(_logits(logits) / self.temperature, axis=1)
        return calibrated


@dataclass(frozen=True)
class Platt:
    """Logistic curve over the log-odds of two classes: mends slope and offset."""

    slope: float
    intercept: float

    def __call__(self, logits: FloatArray) -> FloatArray:
        """Calibrated probabilities, (n, 2) float64, of logits (n, 2)."""
        from scipy.special import expit

        odds = self.slope * _log_odds(logits) + self.intercept
        return np.stack([expit(-odds), expit(odds)], axis=1)


def fit_temperature(logits: FloatArray, target: IntArray) -> Temperature:
    """The temperature that gives validation cases the highest likelihood.

    The truth is softened as in Platt's method, so that a few cases without an error do not make the answer certain.

    Args:
        logits: (n, classes).
        target: (n,), class indices.

    Raises:
        EvaluationError: Fewer than two classes occur, or a logit is not a number.
        ShapeError: The shapes do not fit.

    Reference:
        Guo et al., ICML 2017, arXiv:1706.04599.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    values, truth = _logits(logits), _softened(target, logits)

    def loss(log_temperature: float) -> float:
        return float(-(truth * log_softmax(values / np.exp(log_temperature), axis=1)).sum(axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(_TEMPERATURES), method="bounded", options={"xatol": 1e-6})
    return Temperature(float(np.exp(found.x)))


def fit_platt(logits: FloatArray, target: IntArray) -> Platt:
    """The logistic curve over the log-odds that gives validation cases the highest likelihood.

    Args:
        logits: (n, 2).
        target: (n,), 0 or 1.

    Raises:
        EvaluationError: One class does not occur, or a logit is not a number.
        ShapeError: The shapes do not fit.

    Reference:
        Platt, Advances in Large Margin Classifiers (1999); Lin, Lin and Weng, Mach. Learn. 68 (2007),
        doi:10.1007/s10994-007-5018-6.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    odds, truth = _log_odds(logits), _softened(target, logits)[:, 1]
    scale = float(np.abs(odds).max()) or 1.0  # so that the search is as easy for large logits as for small ones

    def loss(line: FloatArray) -> tuple[float, FloatArray]:
        value = line[0] * odds / scale + line[1]
        slack = expit(value) - truth
        cost = float((np.logaddexp(0, value) - truth * value).mean())
        return cost, np.array([(slack * odds / scale).mean(), slack.mean()])

    found = minimize(loss, x0=np.array([scale, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-8})
    return Platt(slope=float(found.x[0] / scale), intercept=float(found.x[1]))


def _logits(logits: FloatArray) -> FloatArray:
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ShapeError(f"logits must have shape (n, classes), not {values.shape}")
    if not np.isfinite(values).all():
        raise EvaluationError("some logits are not numbers; the network diverged, so there is nothing to calibrate")
    return values


def _log_odds(logits: FloatArray) -> FloatArray:
    values = _logits(logits)
    if values.shape[1] != 2:
        raise ShapeError(f"Platt scaling needs logits of two classes, not {values.shape[1]}; use the temperature")
    odds: FloatArray = values[:, 1] - values[:, 0]
    return odds


def _softened(target: IntArray, logits: FloatArray) -> FloatArray:
    """(n, classes): (m + 1) / (m + 2) for the true class of m cases, the rest in equal parts for the others."""
    labels, shape = np.asarray(target, dtype=np.int64), np.shape(logits)
    if labels.shape != shape[:1]:
        raise ShapeError(f"calibration needs one target for each of the {shape[0]} logits, not {labels.shape}")
    count = np.bincount(labels, minlength=shape[1])
    if np.count_nonzero(count) < 2:
        raise EvaluationError(
            f"calibration needs cases of at least two classes, found {np.count_nonzero(count)} among {len(labels)} "
            "cases; give more validation cases"
        )
    of_class = (count + 1) / (count + 2)
    softened = np.tile(((1 - of_class) / (shape[1] - 1))[labels][:, None], (1, shape[1]))
    softened[np.arange(len(labels)), labels] = of_class[labels]
    return softened
