"""Holes in masks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from masks import ball
from scipy import ndimage

from hounsfield.findings.holes import INSIDE, OUTSIDE, enclosed_parts, filled

SHAPE, UNIT = (30, 40, 40), (1.0, 1.0, 1.0)
BODY = ball(SHAPE, UNIT, np.array([15.0, 20, 20]), 14)


def lung(depth: float, radius: float = 5) -> np.ndarray:
    return ball(SHAPE, UNIT, np.array([depth, 20, 20]), radius)


def test_a_hole_is_filled_and_counted() -> None:
    found, count = filled(BODY & ~lung(15))
    assert np.array_equal(found, BODY) and count == lung(15).sum()


def test_a_mask_without_holes_stays_as_it_is() -> None:
    found, count = filled(BODY)
    assert found is BODY and count == 0
    assert filled(np.zeros(SHAPE, dtype=bool))[1] == 0


def test_holes_that_the_first_or_the_last_slice_cuts_are_filled() -> None:
    column = np.zeros(SHAPE, dtype=bool)
    column[:, 5:35, 5:35] = True
    for cut in (slice(0, 10), slice(20, 30)):
        hole = np.zeros(SHAPE, dtype=bool)
        hole[cut, 15:25, 15:25] = True
        assert np.array_equal(filled(column & ~hole)[0], column)


def test_what_an_arm_goes_around_in_a_few_slices_only_stays_outside() -> None:
    trunk_and_arm = np.zeros(SHAPE, dtype=bool)
    trunk_and_arm[:, 5:35, 5:20] = trunk_and_arm[:, 15:25, 30:34] = True
    trunk_and_arm[10:14, 15:25, 20:30] = trunk_and_arm[10:14, 5:15, 5:34] = trunk_and_arm[10:14, 25:35, 5:34] = True
    gap = trunk_and_arm.copy()
    gap[10:14, 17:23, 20:30] = False  # enclosed in its slices, open above and below
    assert filled(gap)[1] == 0
    shut = gap.copy()
    shut[9] = shut[14] = trunk_and_arm[10]
    assert filled(shut)[1] == 4 * 6 * 10


def test_in_one_slice_too() -> None:
    ring = BODY[15:16] & ~lung(15)[15:16]
    assert np.array_equal(filled(ring)[0], BODY[15:16])


@pytest.mark.parametrize("seed", range(5))
def test_of_a_mask_that_reaches_no_border_it_is_what_scipy_fills(seed: int) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 1.5)
    mask = BODY & (noise > -0.1)
    assert np.array_equal(filled(mask)[0], ndimage.binary_fill_holes(mask))


def test_beside_the_result_the_memory_of_a_few_slices_is_enough() -> None:
    mask = np.zeros((200, 64, 64), dtype=bool)
    mask[:, 3:-3, 3:-3] = True
    mask &= np.random.default_rng(0).random(mask.shape) >= 0.002
    filled(mask[:4])
    tracemalloc.start()
    try:
        filled(mask)
        assert tracemalloc.get_traced_memory()[1] < 2 * mask.size
    finally:
        tracemalloc.stop()


def test_parts_of_a_slice_hang_together_by_their_sides_and_have_numbers_of_their_own() -> None:
    drawn = [
        "#####..",
        "#.##.##",
        "##.#...",
        "#####..",
    ]
    parts = enclosed_parts(np.array([[letter == "#" for letter in line] for line in drawn]))
    assert parts[1, 1] != parts[2, 2] and min(parts[1, 1], parts[2, 2]) > OUTSIDE  # they meet at a corner alone
    assert parts[1, 4] == OUTSIDE == parts[0, 6] and parts[0, 0] == INSIDE
    assert (enclosed_parts(np.ones((3, 4), dtype=bool)) == INSIDE).all()
    assert (enclosed_parts(np.zeros((3, 4), dtype=bool)) == OUTSIDE).all()
