"""Voxels on a screen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Window
from hounsfield.reporting.windowing import SOFT_TISSUE, eight_bits, fitting_window, shown_slice


def image_of(values: np.ndarray, **fields: object) -> Image:
    return Image(voxels=values.reshape(1, 1, 1, -1), affine=planar_affine(), **fields)  # type: ignore[arg-type]  # test helper


def test_linear_window_as_in_the_standard() -> None:
    # PS3.3 C.11.2.1.2.1, c = 40, w = 400: 40 - 0.5 is the middle, -160 black, 239 white
    shown = eight_bits(np.array([-1000, -160, 39.5, 239, 3000]), Window(40, 400))
    assert shown.tolist() == [0, 0, 128, 255, 255]


def test_exact_window_ends_where_it_says() -> None:
    shown = eight_bits(np.array([0.0, 0.5, 1.0]), Window(0.5, 1, "LINEAR_EXACT"))
    assert shown.tolist() == [0, 128, 255]


def test_a_table_of_the_file_is_shown_as_it_says() -> None:
    inverted = Window(2, 4, table=(1.0, 0.5, 0.0))
    assert eight_bits(np.array([-10.0, 0.0, 2.0, 4.0, 10.0]), inverted).tolist() == [255, 255, 128, 0, 0]


def test_sigmoid_window_is_half_at_its_centre_and_never_overflows() -> None:
    with np.errstate(all="raise"):
        shown = eight_bits(np.array([-1e9, 100.0, 1e9]), Window(100, 50, "SIGMOID"))
    assert shown.tolist() == [0, 128, 255]


def test_nan_is_black() -> None:
    assert eight_bits(np.array([np.nan, 1.0]), Window(0.5, 1, "LINEAR_EXACT")).tolist() == [0, 255]


def test_the_files_first_window_is_used() -> None:
    lung, bone = Window(-600, 1500, name="LUNG"), Window(300, 1500)
    image = image_of(np.arange(-1000, 1000), windows=(lung, bone), modality="CT")
    assert fitting_window(image) is lung


def test_ct_without_a_window_is_shown_as_soft_tissue() -> None:
    assert fitting_window(image_of(np.arange(-1000, 1000), modality="CT")) is SOFT_TISSUE


def test_a_window_that_no_longer_fits_the_values_is_not_used() -> None:
    # a film normalised to mean 0 and deviation 1, which still carries the window of its file
    values = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    window = fitting_window(image_of(values, windows=(Window(2000, 4000),), modality="MG"))
    assert window is not None and window.width < 10


def test_eight_bits_without_a_window_stay_as_they_are() -> None:
    values = np.array([3, 100, 200], dtype=np.uint8)
    assert fitting_window(image_of(values)) is None
    assert eight_bits(values, None).tolist() == [3, 100, 200]


@given(st.floats(-1e6, 1e6), st.sampled_from([np.float32, np.float64]))
def test_an_image_of_one_value_can_be_shown(value: float, dtype: type) -> None:
    image = image_of(np.full(8, value, dtype=dtype))
    window = fitting_window(image)
    assert window is not None and window.width > 0
    assert eight_bits(image.voxels, window).shape == image.voxels.shape


def test_an_image_of_nothing_but_nan_can_be_shown() -> None:
    image = image_of(np.full(8, np.nan))
    assert eight_bits(image.voxels, fitting_window(image)).max() == 0


def test_the_slice_with_the_strongest_heat_is_shown_else_the_middle_one() -> None:
    volume = Image(voxels=np.zeros((1, 9, 4, 4), np.uint8), affine=planar_affine())
    heat = np.zeros((9, 4, 4))
    heat[7, 1, 1] = 0.5
    assert shown_slice(volume) == 4
    assert shown_slice(volume, heat) == 7
    assert shown_slice(volume, np.full((9, 4, 4), np.nan)) == 4
    assert shown_slice(replace(volume, voxels=volume.voxels[:, :1]), heat) == 0


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float64])
def test_any_number_type_is_windowed_alike(dtype: type) -> None:
    values = np.array([0, 50, 100], dtype=dtype)
    assert eight_bits(values, Window(50, 100, "LINEAR_EXACT")).tolist() == [0, 128, 255]
