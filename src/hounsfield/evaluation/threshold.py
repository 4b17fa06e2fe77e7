"""The operating point: from which probability on a case is called positive. Chosen on validation data, never on test.

A rule is a word: "youden", "sensitivity>=0.95" or "specificity>=0.9".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError, UsageError

DEFAULT_RULE = "youden"


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it reached on the cases it was chosen on, which is a little better than on new ones."""

    threshold: float
    """A case is called positive when its probability reaches this."""
    rule: str
    sensitivity: float
    specificity: float
    positives: int
    negatives: int

    def __str__(self) -> str:
        """The words for `Evidence.threshold_from`, without the name of the cases."""
        return (
            f"{self.rule} on {self.positives + self.negatives} cases, {self.positives} of them positive "
            f"(sensitivity {self.sensitivity:.3f}, specificity {self.specificity:.3f} there)"
        )


def choose_threshold(target: BoolArray, probability: FloatArray, rule: str = DEFAULT_RULE) -> OperatingPoint:
    """The operating point that a rule picks.

    "youden" maximises sensitivity + specificity - 1; "sensitivity>=x" has the highest specificity among the points
    that reach x, "specificity>=x" the highest sensitivity. Of equally good points the lowest is taken: it misses
    fewest. The threshold lies half-way between two neighbouring probabilities, so that the smallest change of a
    number (another processor, another number of threads) does not turn a case over.

    Args:
        target: (n,), true for positive cases.
        probability: (n,), of being positive, in [0, 1].
        rule: One of the above, x in [0, 1].

    Raises:
        UsageError: The rule is not known.
        EvaluationError: One class does not occur, or a probability is not in [0, 1].

    Reference:
        Youden, Cancer 3 (1950), doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3.
    """
    wanted, least = _parse(rule)
    truth, given = np.asarray(target, dtype=bool), np.asarray(probability, dtype=np.float64)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if positives == 0 or negatives == 0:
        raise EvaluationError(
            f"a threshold cannot be chosen from {positives} positive and {negatives} negative cases: both are needed; "
            "give validation cases of both classes, or name a threshold"
        )
    if not np.all((given >= 0) & (given <= 1)):
        raise EvaluationError("a threshold can only be chosen from probabilities in [0, 1]; some are not")
    thresholds, found, spared = _points(truth, given)
    best = _best(wanted, least, found, spared, positives, negatives)
    return OperatingPoint(
        threshold=float(thresholds[best]),
        rule=rule.replace(" ", ""),
        sensitivity=float(found[best] / positives),
        specificity=float(spared[best] / negatives),
        positives=positives,
        negatives=negatives,
    )


def require_rule(rule: str) -> str:
    """A rule that is known, without its spaces.

    Raises:
        UsageError: It is not known.
    """
    _parse(rule)
    return rule.replace(" ", "")


def _parse(rule: str) -> tuple[Literal["youden", "sensitivity", "specificity"], float]:
    if rule == "youden":
        return "youden", 0.0
    match = re.fullmatch(r"(sensitivity|specificity)\s*>=\s*(\d*\.?\d+)", rule)
    if match is None or float(match[2]) > 1:
        raise UsageError(
            f"unknown threshold rule {rule!r}; known: youden, sensitivity>=x and specificity>=x with x in [0, 1], "
            "for instance sensitivity>=0.95"
        )
    return ("sensitivity" if match[1] == "sensitivity" else "specificity"), float(match[2])


def _points(truth: BoolArray, given: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Rising thresholds, and at each the positives found and the negatives spared; three (g + 1,) arrays.

    Below the lowest probability everything is called positive, above the highest nothing.
    """
    values, place = np.unique(given, return_inverse=True)
    middle = (values[:-1] + values[1:]) / 2
    middle = np.where(middle > values[:-1], middle, values[1:])  # neighbours in floating point have no middle
    highest = (values[-1] + 1) / 2 if values[-1] < 1 else np.nextafter(1.0, 2.0)
    thresholds = np.r_[values[0] / 2, middle, max(highest, np.nextafter(values[-1], 2.0))]
    missed = np.r_[0, np.cumsum(np.bincount(place, weights=truth, minlength=len(values)))].astype(np.int64)
    spared = np.r_[0, np.cumsum(np.bincount(place, weights=~truth, minlength=len(values)))].astype(np.int64)
    return thresholds, missed[-1] - missed, spared


def _best(wanted: str, least: float, found: IntArray, spared: IntArray, positives: int, negatives: int) -> int:
    """Index of the first best point; whole numbers throughout, so that ties are ties."""
    if wanted == "youden":
        return int(np.argmax(found * negatives + spared * positives))
    if wanted == "sensitivity":
        return int(np.argmax(np.where(found >= _needed(least, positives), spared, -1)))
    return int(np.argmax(np.where(spared >= _needed(least, negatives), found, -1)))


def _needed(share: float, cases: int) -> int:
    """The fewest of `cases` that are at least `share` of them; 0.7 of 10 is 7, although 0.7 * 10 > 7 in floats."""
    return int(np.ceil(round(share * cases, 9)))
