"""`Distances`: how far an image lies from all that a model learned from.

That is the mean cosine distance, in the features of a network pretrained on photographs, to its five nearest training
images. What is far is judged by the training images themselves, each held against those of all other
patients.

Reference:
    Sun et al., "Out-of-distribution detection with deep nearest neighbors" (2022), arXiv:2204.06507.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray, IntArray

NEIGHBOURS = 5

FEWEST_PATIENTS = 10
"""With fewer nothing is known of how different images of other people look."""

ENOUGH_PATIENTS = 100
"""With fewer the farthest of them is soon passed by an image of a new patient, and the limit is set beyond it."""

_USUAL = 0.99
_OUTLIERS = 1.25
"""An outlier among the training images does not move the limit beyond this many times what is usual."""


@dataclass(frozen=True, eq=False)
class Distances:
    """Training images as points, and how far apart they are."""

    points: FloatArray
    """(n, features) float32 of unit length."""
    usual: float
    """99 of 100 training images are no farther than this from their nearest of other patients …"""
    farthest: float
    """… and hardly one is farther than this; of few patients, a quarter more than that."""

    def of(self, seen: FloatArray) -> FloatArray:
        """(m,), of features (m, F) of unit length."""
        return _mean_of_nearest(1 - seen @ self.points.T)


def distances_of(points: FloatArray, patient: IntArray) -> Distances | None:
    """The distances of training images; None of too few patients.

    Args:
        points: (n, features) of unit length.
        patient: (n,), whose they are.
    """
    if len(np.unique(patient)) < FEWEST_PATIENTS:
        return None
    apart = 1 - points @ points.T
    apart[patient[:, None] == patient[None]] = np.inf
    own = _mean_of_nearest(apart)
    usual = float(np.quantile(own, _USUAL))
    beyond = _OUTLIERS * usual
    farthest = min(float(own.max()), beyond) if len(np.unique(patient)) >= ENOUGH_PATIENTS else beyond
    return Distances(points, usual, max(usual, farthest))


def _mean_of_nearest(apart: FloatArray) -> FloatArray:
    """(m,): the mean of the smallest finite numbers of each row."""
    count = min(NEIGHBOURS, apart.shape[1])
    nearest = np.partition(apart, count - 1, axis=1)[:, :count]
    there = np.isfinite(nearest)
    total = np.where(there, nearest, 0.0).sum(axis=1)
    found: FloatArray = total / np.maximum(there.sum(axis=1), 1)
    return found
