"""The difference of two areas under the ROC curve on the same cases, without resampling.

Each case has a structural component: a positive one, the share of negatives that it is ranked above; a negative one,
the share of positives that it is ranked below. The area is the mean of either; its variance, and the covariance of two
areas, come from how the components vary. Where a patient has several cases, her components are added up first, for they
vary together.

Reference:
    DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837-845, doi:10.2307/2531595;
    Sun, Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393, doi:10.1109/LSP.2014.2337313 (from mid-ranks);
    Obuchowski, Biometrics 53 (1997) 567-578, doi:10.2307/2533958 (patients with several cases).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.intervals import LEVEL


@dataclass(frozen=True)
class AreaDifference:
    """Of two areas, the first less the second."""

    first: float
    second: float
    error: float
    """Standard error of the difference; NaN where there are fewer than two patients of a class."""

    @property
    def value(self) -> float:
        """First less second, in [-1, 1]."""
        return self.first - self.second

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high ends of the 95 % interval, by the normal distribution."""
        from scipy.special import ndtri

        half = float(ndtri(0.5 + LEVEL / 2)) * self.error
        return self.value - half, self.value + half

    @property
    def p_value(self) -> float:
        """Two-sided: how often a difference as large is seen where there is none; 1 where both are the same."""
        from scipy.special import ndtr

        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * ndtr(-abs(self.value) / self.error))


def compare_areas(target: BoolArray, first: FloatArray, second: FloatArray, patient: IntArray) -> AreaDifference:
    """The difference of the areas of two scores of the same cases.

    Args:
        target: (n,), which cases are positive; both kinds occur.
        first: (n,), how positive each case looks to one model.
        second: (n,), and to the other.
        patient: (n,), cases with one number belong to one patient.
    """
    _, owner = np.unique(patient, return_inverse=True)
    one, other = _components(target, first), _components(target, second)
    areas = [float(own[target].mean()) for own in (one, other)]
    return AreaDifference(areas[0], areas[1], _error(target, one - other, owner))


def _components(target: BoolArray, score: FloatArray) -> FloatArray:
    """(n,): of a positive case the share of negatives below it, of a negative one of positives above; ties half."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    found = np.empty(len(score))
    for kind in (True, False):
        own = target == kind
        others = int((~own).sum())
        below = (ranks[own] - rankdata(score[own])) / others
        found[own] = below if kind else 1 - below
    return found


def _error(target: BoolArray, difference: FloatArray, owner: IntArray) -> float:
    """Standard error of the mean of one area less the other, from the differences of their components.

    Obuchowski's sums for patients with several cases; DeLong's where each has one.
    """
    patients = int(owner.max()) + 1
    variance, offs = 0.0, []
    for kind in (True, False):
        own = target == kind
        cases = np.bincount(owner[own], minlength=patients)
        behind, count = int((cases > 0).sum()), int(own.sum())
        if behind < 2:
            return float("nan")
        off = np.bincount(owner[own], weights=difference[own], minlength=patients) - cases * difference[own].mean()
        variance += behind / (behind - 1) * float(off @ off) / count**2
        offs.append(off / count)
    variance += 2 * patients / (patients - 1) * float(offs[0] @ offs[1])
    return float(np.sqrt(max(0.0, variance)))
