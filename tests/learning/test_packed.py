"""Masks that are put away come back as they were, and take little memory meanwhile."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.image import Mask
from hounsfield.learning.packed import PackedMask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_a_mask_comes_back_as_it_was(dtype: type[np.integer]) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(dtype).transpose(2, 0, 1)
    mask = PackedMask.of(Mask(labels, ("liver", "tumour"), exclusive=False)).unpacked()

    np.testing.assert_array_equal(mask.labels, labels)
    assert (mask.labels.dtype, mask.names, mask.exclusive) == (labels.dtype, ("liver", "tumour"), False)


def test_an_organ_takes_a_hundredth_of_its_voxels() -> None:
    grid = np.indices((40, 128, 128))
    ball = ((grid - np.array([20, 60, 60])[:, None, None, None]) ** 2).sum(axis=0) < 400
    labels = ball.astype(np.uint8)

    assert len(PackedMask.of(Mask(labels, ("liver",))).data) < labels.nbytes / 100


def test_objects_stay_objects() -> None:
    assert PackedMask.of(Mask(np.ones((1, 2, 2), np.int32), ("cell",), instances=True)).unpacked().instances
