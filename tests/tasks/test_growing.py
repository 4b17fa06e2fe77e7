"""Seeds that grow, against Dijkstra's way and by hand."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
import pytest

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.tasks.growing import grown, steps_of


def lengths(seeds: IntArray, there: BoolArray, steps: Sequence[float]) -> FloatArray:
    """(seeds, d, h, w): of the shortest way over faces from each seed through what is there; infinite where there is
    none."""
    found = np.full((seeds.max(), *seeds.shape), np.inf)
    for number in range(1, seeds.max() + 1):
        waiting = [(0.0, *place) for place in np.argwhere(seeds == number).tolist()]
        while waiting:
            length, *place = heapq.heappop(waiting)
            if length >= found[(number - 1, *place)]:
                continue
            found[(number - 1, *place)] = length
            for axis, step in enumerate(steps):
                for way in (-1, 1):
                    beside = [*place]
                    beside[axis] += way
                    if 0 <= beside[axis] < seeds.shape[axis] and there[tuple(beside)] and not seeds[tuple(beside)]:
                        heapq.heappush(waiting, (length + step, *beside))
    return found


@pytest.mark.parametrize("steps", [(1.0, 1.0, 1.0), (5.0, 1.0, 1.0), (1.0, 1.625, 3.125)])
@pytest.mark.parametrize("seed", range(3))
def test_every_voxel_goes_to_the_seed_that_is_nearest_through_what_is_there(
    seed: int, steps: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(seed)
    there = rng.random((5, 14, 12)) < 0.6
    seeds = np.where(there & (rng.random(there.shape) < 0.03), np.arange(there.size).reshape(there.shape), 0)
    seeds = np.unique(seeds, return_inverse=True)[1].reshape(there.shape).astype(np.int32)
    found, ways = grown(seeds, there, steps), lengths(seeds, there, steps)
    reached = np.isfinite(ways).any(axis=0)
    np.testing.assert_array_equal(found > 0, reached)
    own = np.take_along_axis(ways, np.maximum(found - 1, 0)[None], axis=0)[0]
    np.testing.assert_array_equal(own[reached], ways.min(axis=0)[reached])


def test_a_voxel_goes_to_a_seed_within_its_slice_where_slices_lie_farther_apart() -> None:
    seeds = np.zeros((2, 1, 4), dtype=np.int32)
    seeds[0, 0, 0], seeds[1, 0, 3] = 1, 2
    there = np.array([[[True] * 4], [[False, False, False, True]]])
    assert grown(seeds, there, (1.0, 1.0, 1.0))[0, 0].tolist() == [1, 1, 2, 2]
    assert grown(seeds, there, (5.0, 1.0, 1.0))[0, 0].tolist() == [1, 1, 1, 1]


def test_seeds_stay_and_do_not_reach_over_the_ends_of_lines_or_over_nothing() -> None:
    there = np.array([[True, True, True], [True, False, True], [True, True, True]])
    seeds = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], dtype=np.int16)
    there[0, 1] = there[2, 1] = False
    found = grown(seeds, there, (1.0, 1.0))
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert not grown(np.zeros((2, 3), dtype=np.int32), np.ones((2, 3), dtype=bool), (1.0, 1.0)).any()


def test_steps_are_counted_from_the_smallest_that_is_taken() -> None:
    assert steps_of((9, 9, 9), ()) == (1.0, 1.0, 1.0)
    assert steps_of((9, 9, 9), (3.0, 0.6, 0.61)) == (5.0, 1.0, 1.0)
    assert steps_of((9, 9, 9), (1.0, 0.7, 2.0)) == (1.375, 1.0, 2.875)
    assert steps_of((1, 9, 9), (0.1, 0.5, 0.5))[1:] == (1.0, 1.0)  # of a flat image a slice has no neighbour
    assert steps_of((1, 1, 1), (4.0, 2.0, 2.0)) == (2.0, 1.0, 1.0)
