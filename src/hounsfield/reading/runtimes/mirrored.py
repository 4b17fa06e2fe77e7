"""The mean answer to images and their mirrored copies, a few images at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.networks.answering import mirrors

AT_ONCE = 16
"""Images computed together: more are no faster on a CPU, and take more memory."""


def mirrored(
    members: Sequence[Callable[[FloatArray], FloatArray]], arrays: FloatArray, flip_axes: Sequence[int]
) -> FloatArray:
    """Logits, (n, outputs), averaged over the members and all mirrored copies along `flip_axes`.

    Args:
        members: Each from contiguous images (n, channels, *shape) to logits (n, outputs).
        arrays: (n, channels, *shape).
        flip_axes: Spatial axes, 0 for the first after the channels.
    """
    parts = [arrays[start : start + AT_ONCE] for start in range(0, len(arrays), AT_ONCE)]
    turned = [tuple(axis + 2 for axis in mirror) for mirror in mirrors(flip_axes)]
    found: FloatArray = np.concatenate([_mean(members, part, turned) for part in parts])
    return found


def _mean(
    members: Sequence[Callable[[FloatArray], FloatArray]], part: FloatArray, turned: Sequence[tuple[int, ...]]
) -> FloatArray:
    answers = []
    for axes in turned:
        copy = np.ascontiguousarray(np.flip(part, axes))
        answers += [logits(copy) for logits in members]
    mean: FloatArray = np.mean(answers, axis=0)
    return mean
