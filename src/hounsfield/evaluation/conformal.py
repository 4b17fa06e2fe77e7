"""Conformal sets: every class that cannot be ruled out, so that the truth is among them as often as was promised.

Each class has a limit of its own: the probability that a share of its cases, the promised coverage, were given at
least. A case's set holds the classes whose probability reaches their limit. The promise holds for each class, whatever
the network, as long as new patients come from where the old ones came from. A set of one class is an answer; a set of
several says that the case is not clear, and so does an empty one: the model is less sure of it than of nearly all cases
of any class.

Reference:
    Vovk, "Conditional validity of inductive conformal predictors" (2012), arXiv:1209.2673 (class by class);
    Angelopoulos, Bates, "A gentle introduction to conformal prediction" (2021), arXiv:2107.07511.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError

COVERAGE = 0.9
"""Promised where nobody says otherwise."""


@dataclass(frozen=True)
class Conformal:
    """Limits by class, and what they promise."""

    coverage: float
    """Share of the cases of each class whose set holds the truth, at least."""
    limits: tuple[float, ...]
    """Least probability with which each class is in the set; 0 where too few cases were there to rule it out."""
    cases: tuple[int, ...]
    """Of each class, that the limits were chosen on."""

    def sets(self, probabilities: FloatArray) -> BoolArray:
        """(n, classes): which classes are in the set of each case, of probabilities (n, classes)."""
        found: BoolArray = np.asarray(probabilities, dtype=np.float64) >= np.array(self.limits)
        return found

    @property
    def promises(self) -> bool:
        """Whether any class can be ruled out."""
        return any(limit > 0 for limit in self.limits)


def fit_conformal(
    probabilities: FloatArray, target: IntArray, *, coverage: float = COVERAGE, patient: IntArray | None = None
) -> Conformal:
    """The limits that keep the promise on cases that were not learned from.

    Of n cases of a class the limit is the (n + 1)(1 - coverage)-th lowest probability of the truth, rounded down: the
    smallest with which the promise holds for the next case. With fewer than coverage / (1 - coverage) of them no
    limit does, and the class is in every set. Where a patient has several cases of a class, they count together as one
    observation: each with a share of the weight.

    Args:
        probabilities: (n, classes).
        target: (n,), class indices.
        coverage: Between 0 and 1.
        patient: (n,), which cases belong together; each its own by default.

    Raises:
        EvaluationError: The coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise EvaluationError(f"a coverage must lie between 0 and 1, not be {coverage}; 0.9 is usual")
    truth = np.asarray(target)
    owner = np.arange(len(truth)) if patient is None else np.asarray(patient)
    classes = probabilities.shape[1]
    own = [truth == k for k in range(classes)]
    limits = [_limit(probabilities[own[k], k], owner[own[k]], coverage) for k in range(classes)]
    return Conformal(coverage, tuple(limits), tuple(int(mask.sum()) for mask in own))


def _limit(probability: FloatArray, owner: IntArray, coverage: float) -> float:
    """The highest limit below which, with one more patient at 0, at most a share of 1 - coverage of the weight lies."""
    if not len(probability):
        return 0.0
    _, number, count = np.unique(owner, return_inverse=True, return_counts=True)
    weight = 1 / count[number]
    patients = len(count)
    order = np.argsort(probability, kind="stable")
    below = np.r_[0.0, np.cumsum(weight[order])[:-1]]  # weight that a limit at this case leaves out
    allowed = (1 - coverage) * (patients + 1) - 1  # the next patient counts as left out
    fits = np.flatnonzero(below <= allowed + 1e-9)
    return float(probability[order[fits[-1]]]) if len(fits) else 0.0
