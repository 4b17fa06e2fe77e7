"""Free-response ROC: how many lesions are found, against false alarms an image.

The threshold that allows a rate of false alarms lies just above the first false alarm that would be one too many, so
that of a lesion and a false alarm with one score the lesion counts as missed.

Reference:
    Bunch et al., "A free response approach to the measurement and characterization of radiographic observer
    performance" (1977), doi:10.1117/12.955926; van Ginneken et al., "Comparing and combining algorithms for
    computer-aided detection of pulmonary nodules" (2010), doi:10.1016/j.media.2010.05.005 (the mean over seven rates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.evidence import Curve, Score
from hounsfield.evaluation.intervals import LEVEL, percentile_score
from hounsfield.evaluation.resampling import patient_weights

RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False alarms an image."""

_GRID = tuple(float(rate) for rate in np.round(np.geomspace(0.05, 8.0, 60), 4))
_MOST_RATE = 24.0
"""False alarms an image that are kept of many patients: far more than a draw can need for the highest rate."""

_MANY = 200
"""Patients from which on a draw is never so one-sided that it needs more."""


@dataclass(frozen=True, eq=False)
class Responses:
    """What was said of n lesions on m images, of which some belong to one patient."""

    lesion_scores: FloatArray
    """(lesions,): of the finding that hit each; -inf where none did."""
    lesion_patients: IntArray
    """(lesions,), 0 … patients - 1."""
    alarm_scores: FloatArray
    """(false alarms,)."""
    alarm_patients: IntArray
    """(false alarms,)."""
    image_patients: IntArray
    """(images,)."""

    @property
    def patients(self) -> int:
        """How many there are."""
        return int(self.image_patients.max()) + 1

    def of(self, lesions: BoolArray) -> Responses:
        """The same with some lesions only, and every false alarm."""
        return replace(self, lesion_scores=self.lesion_scores[lesions], lesion_patients=self.lesion_patients[lesions])


def threshold_at(responses: Responses, rate: float) -> float:
    """The least score to be called, so that there are at most `rate` false alarms an image; -inf where all may be."""
    allowed = int(rate * len(responses.image_patients) + 1e-9)
    falling = -np.sort(-responses.alarm_scores)
    return float(np.nextafter(falling[allowed], np.inf)) if allowed < len(falling) else float("-inf")


def sensitivity_at(responses: Responses, threshold: float) -> float:
    """Share of the lesions found by findings of this score or more; NaN without lesions."""
    if not len(responses.lesion_scores):
        return float("nan")
    called = np.isfinite(responses.lesion_scores) & (responses.lesion_scores >= threshold)
    return float(np.mean(called))


def alarms_at(responses: Responses, threshold: float) -> float:
    """False alarms an image of this score or more."""
    return float(np.count_nonzero(responses.alarm_scores >= threshold)) / len(responses.image_patients)


@dataclass(frozen=True)
class Froc:
    """A free-response ROC curve with intervals over patients."""

    rates: tuple[float, ...]
    sensitivities: tuple[Score, ...]
    """One for each of `rates`."""
    mean: Score
    """Of these."""
    curve: Curve
    """Sensitivity (y) against false alarms an image (x), with a pointwise band."""


def froc(responses: Responses, *, resamples: int, seed: int, rates: tuple[float, ...] = RATES) -> Froc:
    """The curve, sensitivities at some rates of false alarms, and their mean.

    Args:
        responses: With one lesion at least.
        resamples: Bootstrap draws of patients.
        seed: Of the draws.
        rates: False alarms an image, rising.
    """
    grid = (*rates, *_GRID)
    value = sensitivities(responses, grid)
    drawn = drawn_sensitivities(responses, grid, resamples=resamples, seed=seed)
    behind = len(np.unique(responses.lesion_patients))
    count = len(rates)
    scores = tuple(percentile_score(float(value[k]), drawn[:, k], patients=behind)[0] for k in range(count))
    mean = percentile_score(float(value[:count].mean()), drawn[:, :count].mean(axis=1), patients=behind)[0]
    tail = (1 - LEVEL) / 2
    usable = drawn[~np.isnan(drawn).any(axis=1), count:]
    nothing = np.stack([np.zeros(len(_GRID)), np.ones(len(_GRID))])
    low, high = np.quantile(usable, [tail, 1 - tail], axis=0) if len(usable) else nothing
    thresholds = tuple(max(0.0, threshold_at(responses, rate)) for rate in _GRID)
    line = Curve(x=_GRID, y=_plain(value[count:]), low=_plain(low), high=_plain(high), threshold=thresholds)
    return Froc(rates, scores, mean, line)


def sensitivities(responses: Responses, rates: Sequence[float]) -> FloatArray:
    """(rates,), at these rates of false alarms an image; NaN without lesions."""
    found: FloatArray = _sensitivities(responses, np.ones((1, responses.patients)), np.array(rates))[0]
    return found


def drawn_sensitivities(responses: Responses, rates: Sequence[float], *, resamples: int, seed: int) -> FloatArray:
    """(draws, rates), the same in draws of patients, each with thresholds of its own; NaN where no lesion was drawn.

    Two models measured on the same images get the same draws.
    """
    blocks = patient_weights(
        responses.patients, resamples=resamples, seed=seed, cases=len(_kept(responses)) + len(responses.lesion_scores)
    )
    return np.concatenate([_sensitivities(responses, weights, np.array(rates)) for weights in blocks])


def _kept(responses: Responses) -> IntArray:
    """The false alarms by falling score, as many as any draw can need."""
    many = responses.patients >= _MANY
    most = int(_MOST_RATE * len(responses.image_patients)) if many else len(responses.alarm_scores)
    return np.argsort(-responses.alarm_scores, kind="stable")[:most]


def _sensitivities(responses: Responses, weights: FloatArray, rates: FloatArray) -> FloatArray:
    """(draws, rates), of draws as weights (draws, patients); NaN where no lesion was drawn."""
    order = np.argsort(-responses.lesion_scores, kind="stable")
    falling = -responses.lesion_scores[order]
    kept = _kept(responses)
    alarms = responses.alarm_scores[kept]
    found = np.cumsum(weights[:, responses.lesion_patients[order]], axis=1)
    images = weights @ np.bincount(responses.image_patients, minlength=weights.shape[1])
    false = np.cumsum(weights[:, responses.alarm_patients[kept]], axis=1)
    reachable = np.count_nonzero(np.isfinite(falling))
    before = np.r_[np.searchsorted(falling, -alarms, side="left"), reachable]  # lesions with a higher score than each
    result = np.full((len(weights), len(rates)), np.nan)
    for draw in range(len(weights)):
        lesions = found[draw, -1] if len(order) else 0.0
        if lesions == 0:
            continue
        first = np.searchsorted(false[draw], rates * images[draw] + 1e-9, side="right")  # the alarm that is too many
        count = before[first]
        result[draw] = np.where(count > 0, found[draw, np.maximum(count, 1) - 1], 0.0) / lesions
    return result


def _plain(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
