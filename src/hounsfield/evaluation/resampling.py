"""Bootstrap draws of patients, as weights: how often each patient was drawn; and what becomes of values in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hounsfield.arrays import FloatArray, IntArray

_WEIGHTS_AT_ONCE = 1 << 17
"""Weights in memory at once, about 1 MB: larger blocks leave the processor's cache and are slower."""


def patient_weights(patients: int, *, resamples: int, seed: int, cases: int = 0) -> Iterator[FloatArray]:
    """Blocks, (draws, patients) float64, of how often each patient is in a draw of `patients` with replacement.

    A row sums to `patients`. All blocks together have `resamples` rows. The draws depend on `patients`, `resamples`
    and `seed` only, so that two models measured on the same patients get the same draws and can be compared in pairs.

    Args:
        patients: How many there are, > 0.
        resamples: How many draws.
        seed: Of the random numbers.
        cases: How many weights a draw will be spread to, where that is more than `patients`; only for the block size.
    """
    rng = np.random.default_rng(seed)
    block = max(1, _WEIGHTS_AT_ONCE // max(patients, cases))
    for start in range(0, resamples, block):
        draws = min(block, resamples - start)
        drawn = rng.integers(0, patients, size=(draws, patients), dtype=np.int64)
        drawn += np.arange(draws)[:, None] * patients  # so that one bincount counts all draws
        counts = np.bincount(drawn.ravel(), minlength=draws * patients)
        yield counts.reshape(draws, patients).astype(np.float64)


def draws_of_patients(owner: IntArray, *, resamples: int, seed: int) -> FloatArray:
    """(draws, n), how often each of n values counts in a draw of patients, of whom `owner` (n,) says whose it is."""
    _, place = np.unique(owner, return_inverse=True)
    blocks = patient_weights(int(place.max()) + 1, resamples=resamples, seed=seed, cases=len(owner))
    return np.concatenate([block[:, place] for block in blocks])


def means_of_draws(values: FloatArray, weights: FloatArray) -> FloatArray:
    """(draws,), the means of values (n,) under weights (draws, n); NaN of a draw in which none counts."""
    total = weights.sum(axis=1)
    means: FloatArray = np.divide(weights @ values, total, out=np.full(len(total), np.nan), where=total > 0)
    return means


def quantiles_of_draws(values: FloatArray, weights: FloatArray, share: float) -> FloatArray:
    """(draws,), of each draw the smallest value that at least `share` of its weight (draws, n) does not exceed."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[:, order], axis=1)
    place = (below >= share * below[:, -1:] - 1e-9).argmax(axis=1)
    found: FloatArray = values[order][place]
    return found
