"""The mean answer to images and their mirrored copies, a few images at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.networks.answering import mirrors

AT_ONCE = 16
"""Images computed together: more are no faster on a CPU, and take more memory."""


def mirrored(logits: Callable[[FloatArray], FloatArray], arrays: FloatArray, flip_axes: Sequence[int]) -> FloatArray:
    """Logits, (n, outputs), averaged over all mirrored copies along `flip_axes`.

    Args:
        logits: From contiguous images (n, channels, *shape) to logits (n, outputs).
        arrays: (n, channels, *shape).
        flip_axes: Spatial axes, 0 for the first after the channels.
    """
    parts = [arrays[start : start + AT_ONCE] for start in range(0, len(arrays), AT_ONCE)]
    turned = [tuple(axis + 2 for axis in mirror) for mirror in mirrors(flip_axes)]
    means = [np.mean([logits(np.ascontiguousarray(np.flip(part, axes))) for axes in turned], axis=0) for part in parts]
    found: FloatArray = np.concatenate(means)
    return found
