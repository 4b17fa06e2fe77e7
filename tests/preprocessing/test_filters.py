import numpy as np
import pytest
from scipy import ndimage

from hounsfield.errors import GeometryError
from hounsfield.preprocessing.filters import Bilateral, Gaussian, Median

RNG = np.random.default_rng(3)
PLANE = RNG.normal(100, 20, (40, 31)).astype(np.float32)
VOLUME = RNG.normal(100, 20, (9, 12, 11)).astype(np.float32)


def test_gaussian_of_a_single_bright_pixel_is_the_bell_curve(make_image) -> None:
    array = np.zeros((21, 21), dtype=np.float32)
    array[10, 10] = 1

    smooth = Gaussian(1.5).apply(make_image(array)).voxels[0, 0]

    x = np.arange(-6, 7)
    bell = np.exp(-(x**2) / (2 * 1.5**2))
    assert smooth[10, 10] == pytest.approx((bell / bell.sum()).max() ** 2, rel=1e-4)
    assert smooth.sum() == pytest.approx(1, abs=1e-5)


def test_gaussian_equals_scipys_in_two_and_three_dimensions(make_image) -> None:
    plane = Gaussian(1.3).apply(make_image(PLANE)).voxels[0, 0]
    volume = Gaussian(0.8).apply(make_image(VOLUME)).voxels[0]

    np.testing.assert_allclose(plane, ndimage.gaussian_filter(PLANE, 1.3, mode="mirror"), rtol=1e-5)
    np.testing.assert_allclose(volume, ndimage.gaussian_filter(VOLUME, 0.8, mode="mirror"), rtol=1e-5)


def test_a_sigma_in_millimetres_is_divided_by_the_spacing_of_each_axis(make_image) -> None:
    smooth = Gaussian(2.0, "mm").apply(make_image(PLANE, spacing=(1.0, 4.0))).voxels[0, 0]

    np.testing.assert_allclose(smooth, ndimage.gaussian_filter(PLANE, (2.0, 0.5), mode="mirror"), rtol=1e-5)


def test_a_sigma_in_millimetres_is_refused_where_no_spacing_is_known(make_image) -> None:
    with pytest.raises(GeometryError, match='sigma = 2.0 mm has no meaning; set unit = "pixels"'):
        Gaussian(2.0, "mm").apply(make_image(PLANE))


def test_median_removes_a_speck_and_keeps_an_edge(make_image) -> None:
    array = np.zeros((9, 9), dtype=np.uint8)
    array[:, 5:] = 200
    array[4, 2] = 255

    done = Median(3).apply(make_image(array)).voxels[0, 0]

    array[4, 2] = 0
    np.testing.assert_array_equal(done, array)


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_median_equals_scipys_for_every_type_and_size(make_image, dtype, size) -> None:
    array = (PLANE * 50 - 5000 * (np.dtype(dtype).kind != "u")).clip(0 if np.dtype(dtype).kind == "u" else None, 20000)
    array = (array % 251 if dtype == np.uint8 else array).astype(dtype)

    done = Median(size).apply(make_image(array)).voxels

    assert done.dtype == dtype
    np.testing.assert_array_equal(done[0, 0], ndimage.median_filter(array, size=size, mode="nearest"))


def test_median_of_a_volume_looks_at_a_cube(make_image) -> None:
    done = Median(3).apply(make_image(VOLUME)).voxels[0]

    np.testing.assert_array_equal(done, ndimage.median_filter(VOLUME, size=3, mode="nearest"))


def _bilateral_by_hand(array: np.ndarray, row: int, column: int, space: float, intensity: float) -> float:
    total = weight = 0.0
    radius = round(1.5 * space)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy > radius * radius:
                continue
            value = float(array[row + dy, column + dx])
            difference = value - float(array[row, column])
            w = np.exp(-(dx * dx + dy * dy) / (2 * space**2) - difference**2 / (2 * intensity**2))
            total, weight = total + w * value, weight + w
    return total / weight


def test_bilateral_equals_the_formula_pixel_by_pixel(make_image) -> None:
    done = Bilateral(2.0, 0.1).apply(make_image(PLANE)).voxels[0, 0]

    intensity = 0.1 * float(PLANE.max() - PLANE.min())
    for row, column in [(10, 10), (20, 15), (30, 5)]:
        assert done[row, column] == pytest.approx(_bilateral_by_hand(PLANE, row, column, 2.0, intensity), rel=2e-3)


@pytest.mark.parametrize("shape", [(40, 40), (8, 20, 20)])
def test_bilateral_calms_the_noise_and_keeps_the_step(make_image, shape) -> None:
    step = np.zeros(shape, dtype=np.float32)
    step[..., shape[-1] // 2 :] = 100
    noisy = step + RNG.normal(0, 3, shape).astype(np.float32)

    done = Bilateral(2.0, 0.15).apply(make_image(noisy)).voxels[0].reshape(shape)

    assert np.abs(done - step).std() < 0.5 * np.abs(noisy - step).std()
    assert np.abs(done - step).max() < 15


@pytest.mark.parametrize("step", [Gaussian(1.0), Median(3), Bilateral()])
def test_filters_keep_type_grid_and_every_channel_apart(make_image, step) -> None:
    colours = RNG.integers(0, 255, (3, 1, 16, 12), dtype=np.uint8)
    image = make_image(colours)

    done = step.apply(image)

    assert done.voxels.dtype == np.uint8
    assert done.shape == image.shape
    np.testing.assert_array_equal(done.affine, image.affine)
    alone = step.apply(make_image(colours[1:2]))
    if not isinstance(step, Bilateral):  # its grey-level scale is that of the whole image
        np.testing.assert_array_equal(done.voxels[1], alone.voxels[0])


@pytest.mark.parametrize("step", [Gaussian(2.0), Median(5), Bilateral()])
def test_a_black_film_stays_black(make_image, step) -> None:
    assert not step.apply(make_image(np.zeros((20, 20), dtype=np.uint16))).voxels.any()
