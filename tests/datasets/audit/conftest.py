"""Pictures with structure of their own, made in a moment."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray

MakePicture = Callable[..., VoxelArray]


@pytest.fixture
def picture() -> MakePicture:
    """A grey picture of spots and blotches, another one for every number."""

    def make(number: int, side: int = 160) -> VoxelArray:
        rng = np.random.default_rng(number)
        layers = [cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), blur) * blur for blur in (2, 5, 12)]
        mixed = np.sum(layers, axis=0)
        return np.round(255 * (mixed - mixed.min()) / np.ptp(mixed)).astype(np.uint8)

    return make
