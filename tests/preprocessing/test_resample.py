import cv2
import numpy as np
import pytest
import torch

from hounsfield.errors import GeometryError, ShapeError
from hounsfield.preprocessing.resample import Resize, Spacing, resize_array

RNG = np.random.default_rng(5)


def test_shrinking_by_whole_factors_is_the_mean_over_blocks(make_image) -> None:
    array = RNG.normal(size=(12, 8, 10)).astype(np.float32)

    done = Resize((4, 4, 5), keep_aspect=False).apply(make_image(array)).voxels[0]

    np.testing.assert_allclose(done, array.reshape(4, 3, 4, 2, 5, 2).mean(axis=(1, 3, 5)), atol=1e-5)


def test_shrinking_by_a_fraction_equals_opencvs_area_mean_and_keeps_the_mean(make_image) -> None:
    array = RNG.normal(100, 30, (50, 70)).astype(np.float32)

    done = Resize((32, 32), keep_aspect=False).apply(make_image(array)).voxels[0, 0]

    np.testing.assert_allclose(done, cv2.resize(array, (32, 32), interpolation=cv2.INTER_AREA), atol=1e-3)
    assert done.mean() == pytest.approx(array.mean(), rel=1e-4)


def test_enlarging_a_volume_equals_torchs_trilinear() -> None:
    array = RNG.normal(size=(5, 6, 7)).astype(np.float32)

    peer = torch.nn.functional.interpolate(torch.from_numpy(array)[None, None], (9, 10, 12), mode="trilinear")

    np.testing.assert_allclose(resize_array(array, (9, 10, 12)), peer[0, 0].numpy(), atol=1e-3)


def test_the_slices_of_a_wide_volume_are_resampled_beyond_opencvs_short_numbers() -> None:
    array = np.repeat(np.arange(4, dtype=np.float32), 256 * 256).reshape(4, 256, 256)

    np.testing.assert_allclose(resize_array(array, (2, 256, 256))[:, 100, 200], [0.5, 2.5])


def test_stripes_finer_than_the_new_grid_become_grey_not_moire(make_image) -> None:
    stripes = np.tile([0.0, 1.0], (96, 48)).astype(np.float32)

    done = Resize((30, 30), keep_aspect=False).apply(make_image(stripes)).voxels

    assert abs(done - 0.5).max() < 0.2


@pytest.mark.parametrize(("anchor", "first"), [("center", 4), ("start", 0)])
def test_proportions_are_kept_and_the_rest_is_0(make_image, anchor, first) -> None:
    done = Resize((16, 16), anchor=anchor).apply(make_image(np.ones((40, 20), dtype=np.float32))).voxels[0, 0]

    wanted = np.zeros((16, 16))
    wanted[:, first : first + 8] = 1
    np.testing.assert_allclose(done, wanted)


def test_the_type_is_kept_and_whole_numbers_are_rounded(make_image) -> None:
    done = Resize((1, 1), keep_aspect=False).apply(make_image(np.array([[1, 2], [2, 2]], dtype=np.uint8))).voxels

    assert done.dtype == np.uint8
    assert done.item() == 2


def test_two_numbers_for_a_volume_are_refused(make_image) -> None:
    with pytest.raises(ShapeError, match=r"the image is a volume of shape \(3, 8, 8\); give \(depth, height, width\)"):
        Resize((4, 4)).apply(make_image(np.zeros((3, 8, 8))))


def test_a_spacing_is_reached_and_the_outer_borders_stay(make_image) -> None:
    image = make_image(RNG.normal(size=(100, 60)).astype(np.float32), spacing=(0.2, 0.3))

    done = Spacing((0.5,)).apply(image)

    assert done.shape == (1, 40, 36)
    np.testing.assert_allclose(done.spacing_mm[1:], (0.5, 0.5))


def test_a_spacing_is_refused_where_none_is_known(make_image) -> None:
    with pytest.raises(GeometryError, match="no spacing in mm can be set; use the step 'resize'"):
        Spacing((0.5,)).apply(make_image(np.zeros((8, 8))))
