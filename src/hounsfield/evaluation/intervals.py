"""95 % intervals: from bootstrap draws, and by formula where there is nothing to resample."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import Score

LEVEL = 0.95
"""Share of repetitions in which an interval should hold the true value."""

USABLE_SHARE = 0.1
"""Where fewer draws than this have the score, the others would tell about luck rather than about the model."""

Basis = Literal["draws", "bound", "unknown"]
"""Where an interval comes from: the draws' percentiles; a bound for a score of 0 or 1 in all draws; nowhere."""


def percentile_score(value: float, draws: FloatArray, *, patients: int, bounded: bool = True) -> tuple[Score, Basis]:
    """A score with its percentile interval, and where that comes from.

    Three cases have no honest percentiles. With one patient, or when fewer than a tenth of the draws have the score,
    nothing is known about its spread and the interval is all of [0, 1]. A score of exactly 0 or 1 in every draw has
    percentiles of zero width, though the next patient may well be an error: the exact binomial bound for that many
    patients takes their place, for instance [0.69, 1] when 10 of 10 are right.

    Args:
        value: Of all cases together.
        draws: (resamples,), NaN where a draw does not have the score.
        patients: How many the score rests on: of the rarest class where it needs several.
        bounded: Whether 0 and 1 mean "never" and "always", so that the binomial bound applies; false for errors of
            probabilities. An interval of these holds the value itself, although draws make a small error larger.
    """
    usable = draws[~np.isnan(draws)]
    if patients < 2 or len(usable) < max(1, USABLE_SHARE * len(draws)):
        return Score(value, 0.0, 1.0), "unknown"
    tail = (1 - LEVEL) / 2
    if bounded and value in (0, 1) and np.all(usable == value):
        bound = tail ** (1 / patients)  # Clopper and Pearson's, for 0 errors
        return (Score(value, bound, 1.0) if value == 1 else Score(value, 0.0, 1 - bound)), "bound"
    low, high = np.quantile(usable, [tail, 1 - tail])
    if not bounded:
        low, high = min(low, value), max(high, value)
    return Score(value, float(low), float(high)), "draws"


def distance_score(value: float, draws: FloatArray, values: FloatArray) -> Score:
    """A distance, or an error of any size, with its percentile interval, which holds the distance itself.

    Args:
        value: Of all cases together.
        draws: (resamples,), NaN where a draw does not have it.
        values: That were seen; where all draws give the same, as with one patient, the interval is all of them.
    """
    usable = draws[~np.isnan(draws)]
    tail = (1 - LEVEL) / 2
    low, high = (values.min(), values.max()) if np.ptp(usable) == 0 else np.quantile(usable, [tail, 1 - tail])
    return Score(value, min(value, float(low)), max(value, float(high)))


def wilson_interval(found: FloatArray, cases: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Low and high ends of the 95 % Wilson score interval of the share `found / cases`, in [0, 1].

    It takes the cases as independent. [0, 1] where there are no cases.

    Reference:
        Wilson, J. Am. Stat. Assoc. 22 (1927), doi:10.1080/01621459.1927.10502953.
    """
    from scipy.special import ndtri

    found, cases = np.asarray(found, dtype=np.float64), np.asarray(cases, dtype=np.float64)
    z = float(ndtri(0.5 + LEVEL / 2))
    n = np.maximum(cases, 1)
    share = found / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = np.maximum(middle - half, 0), np.minimum(middle + half, 1)
    low, high = np.where(found <= 0, 0.0, low), np.where(found >= cases, 1.0, high)  # exact in theory, not in floats
    return np.where(cases > 0, low, 0.0), np.where(cases > 0, high, 1.0)
