"""Structures laid over each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hounsfield.formats.overlay import overlay


def test_each_combination_has_a_number() -> None:
    one, two = np.array([1, 1, 0, 0], dtype=bool), np.array([0, 1, 1, 0], dtype=bool)
    numbers, combinations = overlay([(3, one), (5, two)], (4,))
    assert [combinations[number] for number in numbers] == [(3,), (3, 5), (5,), ()]


def test_what_is_covered_everywhere_leaves_no_number() -> None:
    inner = np.array([1, 0], dtype=bool)
    assert overlay([(0, inner), (1, inner)], (2,))[1] == [(), (0, 1)]


def test_masks_of_one_place_are_one_structure_whatever_their_order() -> None:
    left, right = np.array([1, 1, 0, 0], dtype=bool), np.array([0, 1, 1, 0], dtype=bool)
    numbers, combinations = overlay([(2, left), (0, left), (2, right)], (4,))
    assert [combinations[number] for number in numbers] == [(0, 2), (0, 2), (2,), ()]


@given(arrays(np.bool_, st.tuples(st.integers(0, 6), st.integers(1, 30))))
def test_every_voxel_has_the_structures_that_it_is_in(masks: np.ndarray) -> None:
    numbers, combinations = overlay(enumerate(masks), masks.shape[1:])
    for voxel, number in enumerate(numbers.tolist()):
        assert combinations[number] == tuple(np.flatnonzero(masks[:, voxel]).tolist())
    assert set(numbers.tolist()) | {0} == set(range(len(combinations)))
