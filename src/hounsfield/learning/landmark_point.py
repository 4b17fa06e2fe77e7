"""Within which radius a landmark lies, chosen on images that were not learned from.

A network says how far off it may be; by how much it is wrong about that is measured. Of n patients the radius is the
reach that it says times the ratio of error to reach which a share of coverage (n + 1) / n of them does not exceed, so
that the promise holds for the next one.

Reference:
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, "Distribution-free predictive inference for regression" (2018),
    doi:10.1080/01621459.2017.1307116 (split conformal prediction, locally weighted).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.bundle import LandmarkPoint
from hounsfield.evaluation.conformal import fit_conformal
from hounsfield.evaluation.evidence import LocatedImage
from hounsfield.evaluation.localization import pairs_of

_SMALLEST = 1e-6


def choose_landmark_point(
    results: Sequence[LocatedImage], landmarks: Sequence[str], *, coverage: float, where: str
) -> LandmarkPoint:
    """The factor of each landmark.

    Args:
        results: With the reach that the networks gave as radii.
        landmarks: That are located.
        coverage: Share of them that are to lie within their radius.
        where: What the images are.
    """
    patient = np.unique([one.patient for one in results], return_inverse=True)[1]
    factors = []
    for name in landmarks:
        ratios, owner = [], []
        for one, whose in zip(results, patient.tolist(), strict=True):
            for truth, located, error in pairs_of(one):
                if truth.label == name:
                    ratios.append(error / max(located.radius, _SMALLEST))
                    owner.append(whose)
        factors.append(_factor(ratios, owner, coverage))
    return LandmarkPoint(0.0 if all(factor is None for factor in factors) else coverage, tuple(factors), where)


def _factor(ratios: Sequence[float], owner: Sequence[int], coverage: float) -> float | None:
    """The ratio that is exceeded no more often than is allowed; None where too few are there to say so."""
    if not ratios:
        return None
    nearness = 1 / (1 + np.array(ratios))[:, None]  # falls as the ratio rises, and lies in (0, 1]
    (limit,) = fit_conformal(
        nearness, np.zeros(len(ratios), dtype=np.int64), coverage=coverage, patient=np.array(owner)
    ).limits
    return 1 / limit - 1 if limit else None
