"""Objects as insides and borders, and back: by hand, against a slow way, and window by window."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hounsfield.arrays import IntArray
from hounsfield.tasks.instances import BORDER, INSIDE, Instances, objects_of
from hounsfield.tasks.outline import outline
from hounsfield.tasks.segmentation import UNKNOWN
from hounsfield.tasks.windows import Windows

CELLS = Instances(("cell",), ())


def discs(count: int, side: int, *, seed: int = 0, radius: int = 6) -> IntArray:
    """(1, side, side) discs that do not overlap, but touch, some of them cut by the image's edge."""
    rng = np.random.default_rng(seed)
    grid = np.indices((side, side))
    mask = np.zeros((side, side), dtype=np.int32)
    for number in range(1, count + 1):
        middle = rng.integers(0, side, 2)
        inside = ((grid - middle[:, None, None]) ** 2).sum(axis=0) < rng.integers(3, radius + 1) ** 2
        mask[inside & (mask == 0)] = number
    return mask[None]


def same_objects(one: IntArray, other: IntArray) -> bool:
    """Whether the same voxels are together, whatever their numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]


def test_the_outermost_voxels_of_a_small_object_are_its_border_but_not_where_the_image_ends() -> None:
    mask = np.zeros((1, 5, 7), dtype=np.int32)
    mask[0, 1:5, 0:3], mask[0, 1:5, 3:6] = 900, 4
    np.testing.assert_array_equal(
        CELLS.codes(mask)[0],
        [
            [0, 0, 0, 0, 0, 0, 0],
            [2, 2, 2, 2, 2, 2, 0],
            [1, 1, 2, 2, 1, 2, 0],
            [1, 1, 2, 2, 1, 2, 0],
            [1, 1, 2, 2, 1, 2, 0],
        ],
    )


def test_a_larger_object_has_two_layers_of_border() -> None:
    mask = np.zeros((1, 9, 9), dtype=np.int32)
    mask[0, 1:8, 1:8] = 3
    codes = CELLS.codes(mask)[0]
    assert codes[4].tolist() == [0, 2, 2, 1, 1, 1, 2, 2, 0]
    assert codes[1].tolist() == [0, 2, 2, 2, 2, 2, 2, 2, 0]
    mask[0, 1] = mask[0, 7] = 0
    assert CELLS.codes(mask)[0][4].tolist() == [0, 2, 1, 1, 1, 1, 1, 2, 0]


def test_an_object_too_small_for_a_border_is_all_inside() -> None:
    mask = np.zeros((1, 4, 6), dtype=np.int32)
    mask[0, 1:3, 1:3], mask[0, 1:3, 3:5] = 1, 2
    codes = CELLS.codes(mask)
    np.testing.assert_array_equal(codes > 0, mask > 0)
    assert set(np.unique(codes)) == {0, INSIDE}


def test_no_border_lies_where_nobody_knows() -> None:
    mask = np.zeros((1, 5, 6), dtype=np.int32)
    mask[0, :, :3], mask[0, :, 3:] = 5, 255
    codes = Instances(("cell",), (), unlabelled=255).codes(mask)[0]
    np.testing.assert_array_equal(codes[2], [INSIDE] * 3 + [UNKNOWN] * 3)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_codes_give_back_as_many_objects_as_there_were(count: int) -> None:
    mask = np.zeros((1, 330, 330), dtype=np.int32)
    for place in range(count):
        row, column = 10 * (place // 32), 10 * (place % 32)
        mask[0, row : row + 10, column : column + 10] = 3 * place + 1
    found = objects_of(CELLS.codes(mask))
    assert found.dtype == np.int32
    assert sorted(np.unique(found[found > 0])) == list(range(1, count + 1))
    assert same_objects(found, mask)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30))
def test_rectangles_that_touch_come_back_each_around_its_inside(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((1, 40, 44), dtype=np.int32)
    for number in range(1, count + 1):
        row, column, high, wide = *rng.integers(0, 28, 2), *rng.integers(3, 12, 2)
        part = mask[0, row : row + high, column : column + wide]
        if not part.any():
            part[:] = number
    codes = CELLS.codes(mask)
    found = objects_of(codes)
    np.testing.assert_array_equal(found > 0, mask > 0)
    assert same_objects(np.where(codes == INSIDE, found, 0), np.where(codes == INSIDE, mask, 0))
    whole = np.where(codes == INSIDE, mask, 0)
    assert set(np.unique(whole)) == set(np.unique(mask))


def test_a_volume_has_objects_too() -> None:
    mask = np.zeros((8, 12, 12), dtype=np.int32)
    mask[1:7, 1:6, 1:10], mask[1:7, 6:11, 1:10] = 7, 9
    codes = CELLS.codes(mask)
    assert codes[3, 3, 3] == INSIDE and codes[3, 5, 3] == codes[1, 3, 3] == BORDER
    assert same_objects(objects_of(codes), mask)


def test_numbers_with_gaps_and_parts_apart_are_one_object_on_a_mask_and_several_when_outlined() -> None:
    mask = np.zeros((1, 20, 20), dtype=np.int32)
    mask[0, 1:6, 1:6] = mask[0, 10:15, 10:15] = 60_000
    assert len(np.unique(CELLS.truth(mask).labels)) == 2
    assert objects_of(CELLS.codes(mask)).max() == 2


def test_border_that_no_inside_touches_is_an_object() -> None:
    codes = np.zeros((1, 9, 9), dtype=np.uint8)
    codes[0, 1:3, 1:3] = BORDER
    codes[0, 5:8, 5:8] = BORDER
    codes[0, 6, 6] = INSIDE
    found = objects_of(codes)
    assert (len(np.unique(found)), (found > 0).sum()) == (3, 13)
    np.testing.assert_array_equal(found > 0, codes > 0)


def test_objects_smaller_than_nearly_all_that_were_learned_from_are_not_outlined() -> None:
    mask = np.zeros((1, 20, 20), dtype=np.int32)
    mask[0, 1:3, 1:3], mask[0, 5:10, 5:10], mask[0, 15:18, 15:17] = 1, 2, 3
    found = Instances(("cell",), (), smallest=6).outline(CELLS.codes(mask)).labels
    np.testing.assert_array_equal(found, np.where(mask == 1, 0, mask - 1).clip(min=0))
    assert not Instances(("cell",), (), smallest=99).outline(CELLS.codes(mask)).labels.any()


def distances(codes: IntArray, seeds: IntArray) -> IntArray:
    """(objects, h, w): steps over faces from each seed through what is there, one by one; -1 where none leads."""
    found = np.full((seeds.max(), *codes.shape), -1)
    for number in range(1, seeds.max() + 1):
        places = deque([(*place, 0) for place in np.argwhere(seeds == number).tolist()])
        while places:
            row, column, steps = places.popleft()
            inside = 0 <= row < codes.shape[0] and 0 <= column < codes.shape[1]
            if not inside or not codes[row, column] or found[number - 1, row, column] >= 0:
                continue
            found[number - 1, row, column] = steps
            places += [(row + down, column + right, steps + 1) for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_border_goes_to_the_object_whose_inside_is_nearest_through_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice([0, INSIDE, BORDER, BORDER], p=[0.3, 0.05, 0.35, 0.3], size=(24, 30)).astype(np.uint8)
    found = objects_of(codes[None])[0]
    seeds = np.where(codes == INSIDE, found, 0)
    steps = distances(codes, seeds)
    reached = (steps >= 0).any(axis=0)
    nearest = np.where(steps >= 0, steps, 10_000).min(axis=0)
    rows, columns = np.nonzero(reached)
    own = steps[found[rows, columns] - 1, rows, columns]
    np.testing.assert_array_equal(own, nearest[rows, columns])


def test_logits_are_an_object_where_inside_and_border_together_are_likelier_than_nothing() -> None:
    logits = torch.log(torch.tensor([[0.4, 0.6, 0.1], [0.3, 0.25, 0.4], [0.3, 0.15, 0.5]]))
    assert CELLS.labelled(logits).tolist() == [INSIDE, 0, BORDER]


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6), st.floats(0, 1))
def test_between_two_places_of_nothing_there_is_nothing(numbers: list[float], share: float) -> None:
    one, other = torch.tensor(numbers, dtype=torch.float64).reshape(2, 3)
    one[0] = torch.logaddexp(one[1], one[2]) + 1e-6
    other[0] = torch.logaddexp(other[1], other[2]) + 1e-6
    assert CELLS.labelled(torch.lerp(one, other, share)).item() == 0


def test_the_loss_is_that_of_inside_and_border_as_labels() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 3, (2, 6, 6), generator=generator)
    right = torch.nn.functional.one_hot(codes, 3).movedim(-1, 1).float() * 20
    assert float(CELLS.loss(right, codes)) < 1e-3
    assert float(CELLS.loss(-right, codes)) > 10


def test_the_learning_curve_counts_all_objects_as_one_label() -> None:
    codes = np.array([[[0, 1, 2, 2, UNKNOWN]]], dtype=np.uint8)
    np.testing.assert_array_equal(CELLS.counts(np.array([[[2, 1, 1, 0, 1]]]), codes), [[2, 3, 3]])


def test_no_object_is_cut_where_windows_meet() -> None:
    mask = discs(60, 100)
    codes = CELLS.codes(mask)
    image = codes.astype(np.float32)[None]

    def said(windows: torch.Tensor) -> torch.Tensor:
        return torch.stack([(windows[:, 0] == code) * 6.0 for code in range(3)], dim=1)

    found = outline(said, image, CELLS, windows=Windows.of((32, 32), 0.25), onto=np.eye(4), shape=(1, 100, 100))
    np.testing.assert_array_equal(found, codes)
    whole = CELLS.outline(found)
    assert whole.instances
    assert same_objects(whole.labels, objects_of(codes))
    assert whole.labels.max() > 30
