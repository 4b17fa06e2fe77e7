"""Seeds that grow over what lies around them: every voxel goes to the seed that reaches it first.

Fronts start from all seeds at once and go from voxel to voxel over faces, each step as long as voxels lie apart along
its axis, and nowhere else. What is reached after ways of one length is reached together.

Reference:
    Lantuéjoul, Beucher, "On the use of the geodesic metric in image analysis" (1981),
    doi:10.1111/j.1365-2818.1981.tb01251.x (zones of influence); Dial, "Algorithm 360: Shortest-path forest with
    topological ordering" (1969), doi:10.1145/363269.363610 (ways in order of their lengths).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import BoolArray, IntArray

_PARTS = 8
"""Of the smallest step, in which the others are counted, so that ways of nearly one length are of one length."""


def steps_of(shape: Sequence[int], spacing: Sequence[float]) -> tuple[float, ...]:
    """Between neighbours along each axis, the smallest being 1; of an axis of one voxel the step is never taken.

    Args:
        shape: Of the voxels.
        spacing: Along each axis, in any unit; empty where it is the same along all.
    """
    if not spacing:
        return (1.0,) * len(shape)
    least = min((own for own, side in zip(spacing, shape, strict=True) if side > 1), default=min(spacing))
    return tuple(max(1.0, round(_PARTS * own / least) / _PARTS) for own in spacing)


def grown(seeds: IntArray, there: BoolArray, steps: Sequence[float]) -> IntArray:
    """int32, the number of the seed that reaches each voxel first; 0 where none does.

    Args:
        seeds: Numbers from 1, 0 where no seed is.
        there: What they grow over, of the same shape.
        steps: As `steps_of` gives them.
    """
    from scipy import ndimage

    around = np.pad(seeds.astype(np.int32, copy=False), 1)
    free = np.pad(there & (seeds == 0), 1)
    strides = [stride // around.itemsize for stride in around.strides]
    ways = [(way, step) for stride, step in zip(strides, steps, strict=True) for way in (-stride, stride)]
    found, left = around.reshape(-1), free.reshape(-1)
    fronts: dict[float, list[tuple[IntArray, IntArray]]] = {}

    def go_on(places: IntArray, length: float) -> None:
        for way, step in ways:
            own = left[places + way]
            fronts.setdefault(length + step, []).append((places[own] + way, found[places[own]]))

    go_on(np.flatnonzero(ndimage.binary_dilation(free) & (around > 0)), 0.0)
    while fronts:
        length = min(fronts)
        places, numbers = (np.concatenate(parts) for parts in zip(*fronts.pop(length), strict=True))
        new = left[places]
        places, first = np.unique(places[new], return_index=True)
        found[places], left[places] = numbers[new][first], False
        if len(places):
            go_on(places, length)
    return around[(slice(1, -1),) * around.ndim]
