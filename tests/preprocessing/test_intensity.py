import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hounsfield.errors import ImageError, ShapeError
from hounsfield.image import Window
from hounsfield.preprocessing.intensity import Clahe, Float, Rescale, WindowLevel, ZScore, percentiles


def test_float_keeps_the_values_or_divides_by_the_largest_of_the_type(make_image) -> None:
    image = make_image(np.array([[0, 51, 255]], dtype=np.uint8))

    np.testing.assert_array_equal(Float().apply(image).voxels.ravel(), [0, 51, 255])
    np.testing.assert_allclose(Float("type").apply(image).voxels.ravel(), [0, 0.2, 1])


def test_rescale_maps_two_percentiles_onto_0_and_1_and_clips(make_image) -> None:
    image = make_image(np.arange(101, dtype=np.uint8)[np.newaxis])

    done = Rescale(10, 90).apply(image).voxels.ravel()

    assert done[5] == 0
    assert done[10] == 0
    assert done[50] == pytest.approx(0.5)
    assert done[95] == 1


def test_rescale_over_nonzero_leaves_the_cleared_background_out(make_image) -> None:
    image = make_image(np.array([[0, 0, 0, 0, 0, 0, 100, 200, 300]], dtype=np.float32))

    done = Rescale(0, 50, over="nonzero").apply(image).voxels.ravel()

    np.testing.assert_allclose(done, [0, 0, 0, 0, 0, 0, 0, 1, 1])


@given(hnp.arrays(np.uint8, st.integers(1, 60)), st.floats(0, 49), st.floats(51, 100))
def test_percentiles_from_a_histogram_equal_numpys(values, low, high) -> None:
    np.testing.assert_allclose(percentiles(values, (low, high)), np.percentile(values, (low, high)), atol=1e-9)


def test_zscore_has_mean_0_and_deviation_1(make_image) -> None:
    done = ZScore().apply(make_image(np.random.default_rng(0).integers(0, 4000, (50, 60)).astype(np.uint16))).voxels

    assert done.mean() == pytest.approx(0, abs=1e-5)
    assert done.std() == pytest.approx(1, abs=1e-5)


def test_zscore_over_nonzero_keeps_0_where_nothing_is(make_image) -> None:
    done = ZScore("nonzero").apply(make_image(np.array([[0, 0, 10, 30]], dtype=np.uint8))).voxels.ravel()

    np.testing.assert_allclose(done, [0, 0, -1, 1])


def test_window_follows_the_standards_linear_function(make_image) -> None:
    # PS3.3 C.11.2.1.2.1 with center 40, width 400: black up to -160, white from 239
    hu = np.array([[-1000, -160, 40, 239, 3000]], dtype=np.float32)

    done = WindowLevel(40, 400).apply(make_image(hu)).voxels.ravel()

    np.testing.assert_allclose(done, [0, 0, (40 - 39.5) / 399 + 0.5, 1, 1], atol=1e-6)


def test_clahe_raises_the_contrast_of_a_flat_part_and_ends_in_0_to_1(make_image) -> None:
    ramp = np.tile(np.linspace(1000, 1100, 64), (64, 1)).astype(np.uint16)
    ramp[:8] = 4000

    done = Clahe().apply(make_image(ramp)).voxels[0, 0]

    assert done.min() >= 0
    assert done.max() <= 1
    assert np.ptp(done[32]) > 2 * 100 / 3000


def test_clahe_refuses_a_volume(make_image) -> None:
    with pytest.raises(ShapeError, match="step 'clahe' works on planar images, but this one has 3 slices"):
        Clahe().apply(make_image(np.zeros((3, 8, 8))))


@pytest.mark.parametrize("step", [Rescale(), Rescale(over="nonzero"), ZScore(), ZScore("nonzero"), Clahe()])
@pytest.mark.parametrize("level", [0, 7])
def test_an_image_of_one_grey_level_becomes_0(make_image, step, level) -> None:
    assert not step.apply(make_image(np.full((9, 9), level, dtype=np.uint8))).voxels.any()


@pytest.mark.parametrize("step", [Rescale(), ZScore(), Clahe()])
def test_a_step_used_alone_refuses_what_is_not_a_number(make_image, step) -> None:
    with pytest.raises(ImageError, match="1 of 4 voxels are not finite"):
        step.apply(make_image(np.array([[1, 2], [3, np.nan]])))


def test_the_files_windows_are_dropped_when_the_scale_changes(make_image) -> None:
    from dataclasses import replace

    image = replace(make_image(np.array([[1, 2], [3, 4]], dtype=np.uint16)), windows=(Window(2, 4),))

    assert Rescale().apply(image).windows == ()
    assert Float().apply(image).windows == image.windows


def test_a_window_takes_one_copy_of_the_image(make_image) -> None:
    voxels = np.full((1, 16, 256, 256), 40, dtype=np.int16)
    tracemalloc.start()
    WindowLevel().apply(make_image(voxels))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.1 * 4 * voxels.size
