"""Images made by hand for the preprocessing tests."""

from collections.abc import Callable

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.arrays import VoxelArray
from hounsfield.image import Image

MakeImage = Callable[..., Image]


@pytest.fixture(scope="session")
def make_image() -> MakeImage:
    """An image from an array (h, w), (d, h, w) or (c, d, h, w), with the given row and column spacing if any."""

    def make(array: VoxelArray, *, spacing: tuple[float, float] | None = None) -> Image:
        voxels = np.asarray(array)
        while voxels.ndim < 4:
            voxels = voxels[np.newaxis]
        if spacing is None:
            return Image(voxels, geometry.planar_affine())
        return Image(voxels, geometry.planar_affine(spacing), spacing_kind="detector")

    return make


@pytest.fixture(scope="session")
def film() -> VoxelArray:
    """A 200 x 150 film, 8 bit: a half-ellipse of tissue on the right, a label, a frame of white along the bottom."""
    y, x = np.mgrid[:200, :150]
    tissue = ((y - 100) / 80) ** 2 + ((x - 149) / 90) ** 2 < 1
    picture = np.full((200, 150), 6, dtype=np.uint8)
    picture[tissue] = 120
    picture[10:30, 10:40] = 255
    picture[196:, :] = 255
    return picture
