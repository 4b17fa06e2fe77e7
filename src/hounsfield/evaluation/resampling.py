"""Bootstrap draws of patients, as weights: how often each patient was drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hounsfield.arrays import FloatArray

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
