"""One score of two models: the difference, its interval from paired draws, and whether chance would make it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import Score
from hounsfield.evaluation.intervals import percentile_score

FEWEST_BEHIND = 5
"""Patients behind a score, those of the rarest class where it needs several, below which nothing is known."""


@dataclass(frozen=True)
class Difference:
    """One score of two models."""

    first: float
    second: float
    difference: Score
    """First less second, with its 95 % interval."""
    p_value: float
    """Two-sided, from the draws: how often a difference lies on the other side of 0; 1 / draws at the least, and 1 from
    too few patients to say."""
    cases: int
    """That it rests on."""


def difference_of(
    first: float, second: float, draws: FloatArray, *, patients: int, cases: int, farthest: float = 1.0
) -> Difference:
    """The difference of two models in one score.

    Args:
        first: Of one, on all cases.
        second: Of the other.
        draws: (resamples,) first less second, NaN where a draw does not have the score.
        patients: Behind the score. From fewer than `FEWEST_BEHIND`, and where all draws give the same difference, not
            even its sign is known.
        cases: Behind the score.
        farthest: Size of the differences that are possible, which the interval then spans: 1 of shares.
    """
    score, basis = percentile_score(first - second, draws, patients=patients, bounded=False)
    usable = draws[~np.isnan(draws)]
    if basis != "unknown" and np.all(usable == 0):
        return Difference(first, second, score, 1.0, cases)
    if basis == "unknown" or patients < FEWEST_BEHIND or np.ptp(usable) == 0:
        return Difference(first, second, replace(score, low=0.0 - farthest, high=farthest), 1.0, cases)
    beyond = min(float(np.mean(usable <= 0)), float(np.mean(usable >= 0)))
    return Difference(first, second, score, min(1.0, max(2 * beyond, 1 / len(usable))), cases)
