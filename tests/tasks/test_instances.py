"""Objects as insides and borders, and back: by hand, against a slow way, and window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hounsfield.arrays import FloatArray, IntArray
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


def test_an_object_too_small_for_a_border_has_some_only_where_it_touches_another() -> None:
    mask = np.zeros((1, 4, 9), dtype=np.int32)
    mask[0, 1:3, 1:3], mask[0, 1:3, 3:5], mask[0, 1:3, 6:8] = 1, 2, 3
    codes = CELLS.codes(mask)
    assert codes[0, 1:3].tolist() == [[0, 1, 2, 2, 1, 0, 1, 1, 0]] * 2
    assert same_objects(objects_of(codes), mask)
    mask[0, 1:3, 2], mask[0, 1:3, 4] = 0, 0
    assert CELLS.codes(mask)[0, 1].tolist() == [0, 1, 0, 1, 0, 0, 1, 1, 0]


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


def plates(*, slices: int, high: int = 8, wide: int = 6) -> IntArray:
    """Two objects of a few slices that touch along a side, (slices + 2, high + 2, 2 * wide + 2)."""
    mask = np.zeros((slices + 2, high + 2, 2 * wide + 2), dtype=np.int32)
    mask[1:-1, 1:-1, 1 : 1 + wide], mask[1:-1, 1:-1, 1 + wide : -1] = 5, 8
    return mask


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_where_slices_lie_far_apart_the_border_runs_around_an_object_on_each_of_them(slices: int) -> None:
    codes = CELLS.codes(plates(slices=slices), (5.0, 1.0, 1.0))
    for own in codes[1:-1]:
        np.testing.assert_array_equal(
            own,
            [
                [0] * 14,
                [0] + [2] * 12 + [0],
                *[[0] + [2, 1, 1, 1, 1, 2] * 2 + [0]] * 6,
                [0] + [2] * 12 + [0],
                [0] * 14,
            ],
        )


@pytest.mark.parametrize("spacing", [(), (1.5, 1.0, 1.0), (2.0, 1.0, 1.0), (0.48, 0.16, 0.16), (12.0, 1.0, 1.0)])
@pytest.mark.parametrize("slices", [1, 2, 3, 5])
def test_thin_objects_that_touch_come_back_one_by_one(slices: int, spacing: tuple[float, ...]) -> None:
    for turned in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
        mask = np.transpose(plates(slices=slices), turned)
        own = tuple(np.array(spacing)[list(turned)]) if spacing else ()
        assert same_objects(objects_of(CELLS.codes(mask, own), own), mask)


@pytest.mark.parametrize("step", [1.0, 2.0, 3.0, 5.0, 12.0])
def test_objects_one_above_the_other_come_back_one_by_one(step: float) -> None:
    mask = np.zeros((6, 10, 12), dtype=np.int32)
    mask[0:2, 1:9, 1:9], mask[2:4, 1:9, 1:9], mask[4:6, 3:9, 4:12] = 1, 2, 3
    mask[4, 3:9, 10:12] = 4
    codes = CELLS.codes(mask, (step, 1.0, 1.0))
    inside = codes == INSIDE
    found = objects_of(codes, (step, 1.0, 1.0))
    assert same_objects(np.where(inside, found, 0), np.where(inside, mask, 0))
    assert sorted(np.unique(mask[inside])) == [1, 2, 3, 4]
    np.testing.assert_array_equal(found > 0, mask > 0)


def test_an_object_that_others_cover_all_over_keeps_its_inside() -> None:
    mask = np.zeros((3, 9, 9), dtype=np.int32)
    mask[0], mask[1, 2:7, 2:7], mask[2] = 1, 2, 3
    codes = CELLS.codes(mask, (6.0, 1.0, 1.0))
    assert codes[1, 2:7, 2:7].tolist() == [[2] * 5, *[[2, 1, 1, 1, 2]] * 3, [2] * 5]
    assert (codes[0, 2:7, 2:7] == BORDER).all() and (codes[0, :2] == INSIDE).all()
    assert same_objects(objects_of(codes, (6.0, 1.0, 1.0)), mask)


def from_outside(mask: IntArray, steps: tuple[float, ...]) -> FloatArray:
    """How far each voxel is from the nearest of another number, over faces, one by one."""
    places = np.argwhere(np.ones(mask.shape, dtype=bool))
    apart = (np.abs(places[:, None] - places[None]) * steps).sum(axis=2)
    other = mask.ravel()[:, None] != mask.ravel()[None]
    found: FloatArray = np.where(other, apart, np.inf).min(axis=1).reshape(mask.shape)
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (1.0, 2.5, 1.25), (1.5, 1.0, 6.0)]))
def test_the_border_reaches_as_far_as_two_of_the_smallest_steps(seed: int, steps: tuple[float, ...]) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((5, 9, 8), dtype=np.int32)
    for number in range(1, 6):
        place, sides = rng.integers(0, (3, 5, 4)), rng.integers(2, 6, 3)
        part = mask[tuple(slice(start, start + side) for start, side in zip(place, sides, strict=True))]
        if not part.any():
            part[:] = number
    codes, far = CELLS.codes(mask, tuple(0.7 * step for step in steps)), from_outside(mask, steps)
    around = np.pad(mask, 1)
    beside = [np.roll(around, way, axis)[1:-1, 1:-1, 1:-1] for axis in range(3) for way in (-1, 1)]
    touching = np.any([(own > 0) & (own != mask) for own in beside], axis=0)
    for number in np.unique(mask[mask > 0]):
        own = mask == number
        border = far <= min(float(far[own].max()) / 2, 2)
        border |= touching & bool((own & ~border & ~touching).any())
        np.testing.assert_array_equal(codes[own], np.where(border, BORDER, INSIDE)[own])


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
