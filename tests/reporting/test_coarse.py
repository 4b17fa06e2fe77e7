"""Masks on larger voxels."""

from __future__ import annotations

import numpy as np

from hounsfield.reporting.coarse import coarse


def test_half_of_a_block_is_enough_and_less_is_not() -> None:
    mask = np.zeros((16, 16, 24), dtype=bool)
    mask[:, :, :13] = True  # the block from 12 on is half inside
    assert coarse(mask, (2, 2, 2))[0, 0].tolist() == [True] * 7 + [False] * 5
    mask[::2, :, 12] = False  # and now a quarter
    assert coarse(mask, (2, 2, 2))[0, 0].tolist() == [True] * 6 + [False] * 6


def test_a_thin_vessel_stays_in_one_piece() -> None:
    mask = np.zeros((9, 9, 30), dtype=bool)
    mask[4, 4, :] = True
    assert coarse(mask, (3, 3, 3))[1, 1].all()


def test_a_single_voxel_stays() -> None:
    mask = np.zeros((6, 6, 6), dtype=bool)
    mask[5, 5, 5] = True
    assert np.argwhere(coarse(mask, (3, 3, 3))).tolist() == [[1, 1, 1]]


def test_the_last_block_may_lack_voxels() -> None:
    mask = np.ones((5, 7, 3), dtype=bool)
    assert coarse(mask, (2, 3, 2)).shape == (3, 3, 2)


def test_blocks_of_one_voxel_change_nothing() -> None:
    mask = np.random.default_rng(0).random((4, 5, 6)) < 0.5
    assert np.array_equal(coarse(mask, (1, 1, 1)), mask)


def test_a_vessel_that_becomes_thin_stays_in_one_piece_in_its_own_box_too() -> None:
    mask = np.zeros((3, 3, 30), dtype=bool)
    mask[:, :, :12] = mask[:, :, 24:] = mask[1, 1] = True
    assert coarse(mask, (3, 3, 3)).all()
    assert np.array_equal(coarse(np.pad(mask, 3), (3, 3, 3))[1:-1, 1:-1, 1:-1], coarse(mask, (3, 3, 3)))
