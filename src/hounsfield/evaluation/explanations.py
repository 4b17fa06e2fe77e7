"""What was found when explanations of a model were tested, and which of them may be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import Score
from hounsfield.evaluation.intervals import percentile_score

MOST_AGREEMENT = 0.5
"""Rank correlation with the heat of a shuffled network from which on a method shows the image, not the network."""

FEWEST_POINTED = 8
"""Cases with boxes from which on pointing decides which method is shown."""

TOO_SLOW = ("occlusion",)
"""A hundred looks at each image: for tests, and for who asks for it."""

RESAMPLES = 2000


@dataclass(frozen=True)
class Trial:
    """A method of explanation, tested on cases that the networks had not learned from."""

    method: str
    cases: int
    agreement: float
    """Mean size of the rank correlation with the heat of the same network, its weights shuffled."""
    deletion: float
    """Mean area under the probability while the image is taken away, the hottest places first …"""
    insertion: float
    """… and while it comes back."""
    deletion_by_chance: float
    """The same in random order."""
    insertion_by_chance: float
    gain: Score
    """By how much insertion less deletion is larger than by chance."""
    pointing: Score | None = None
    """Share of cases whose hottest place lies in a box; None where there are no boxes."""
    pointing_by_chance: float | None = None
    """The same with the heat of other cases."""
    inside: float | None = None
    """Mean share of the heat that lies in boxes, and of the image that boxes cover."""
    area: float | None = None

    pointed_cases: int = 0
    """Cases with boxes."""

    @property
    def pointed(self) -> float:
        """The share of hits where there are cases enough to choose by, and it is beyond chance; else 0."""
        if self.pointing is None or self.pointed_cases < FEWEST_POINTED:
            return 0.0
        return self.pointing.value if self.pointing.low > (self.pointing_by_chance or 0.0) else 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        """Why it may not be the default; nothing where it passed."""
        reasons = []
        if not self.agreement <= MOST_AGREEMENT:
            reasons.append(
                f"its heat is much the same when the network has learned nothing (correlation {self.agreement:.2f})"
            )
        if not self.gain.low > 0:
            reasons.append(
                "taking away its hottest places changes the answer no faster than taking away any others "
                f"({self.gain.value:.3f}, {self.gain.low:.3f} to {self.gain.high:.3f})"
            )
        return tuple(reasons)


@dataclass(frozen=True)
class Explanations:
    """All methods that were tested on a model."""

    dataset: str
    tested: tuple[Trial, ...]

    @property
    def default(self) -> str | None:
        """Of the methods that passed and are not too slow, the one that points into boxes most often, where there are
        enough; else the one that gains most over chance. None where none passed."""
        passed = [one for one in self.tested if not one.failed and one.method not in TOO_SLOW]
        if not passed:
            return None
        return max(passed, key=lambda one: (one.pointed, one.gain.value)).method

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        tested = [{**asdict(one), "failed": one.failed} for one in self.tested]
        return {"dataset": self.dataset, "default": self.default, "tested": tested}


def explanations_from(plain: dict[str, Any]) -> Explanations:
    """What `as_json` gave."""
    tested = []
    for one in plain["tested"]:
        own = {key: value for key, value in one.items() if key != "failed"}
        own |= {key: Score(**own[key]) for key in ("gain", "pointing") if own[key] is not None}
        tested.append(Trial(**own))
    return Explanations(plain["dataset"], tuple(tested))


def mean_score(
    values: Sequence[float] | FloatArray, patient: Sequence[str], *, share: bool = False, seed: int = 0
) -> Score:
    """The mean of values, one a case, and its 95 % interval over draws of patients.

    Args:
        values: In [-1, 1]; all 0 or 1 for a `share`.
        patient: Whose each case is.
        share: Whether 0 and 1 mean "never" and "always", which so few cases do not show.
        seed: Of the draws.
    """
    owner = np.unique(patient, return_inverse=True)[1]
    sums = np.bincount(owner, weights=np.asarray(values, dtype=np.float64))
    counts = np.bincount(owner).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    score, basis = percentile_score(float(np.mean(values)), means, patients=len(sums), bounded=share)
    return Score(score.value, -1.0, 1.0) if basis == "unknown" and not share else score
