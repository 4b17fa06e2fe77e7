"""Heat over films."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.reporting.heat import fitted_heat, heat_colours, opacity, overlay, scale


def luminance(colours: np.ndarray) -> np.ndarray:
    return colours.astype(float) @ np.array([0.2126, 0.7152, 0.0722])


def test_hotter_is_lighter_so_that_it_reads_in_grey() -> None:
    assert np.all(np.diff(luminance(heat_colours())) > -0.6)  # the eight bits of a colour round
    assert luminance(heat_colours())[-1] > 3 * luminance(heat_colours())[0]


def test_a_cold_film_is_unchanged() -> None:
    film = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert np.array_equal(overlay(film, np.zeros((8, 8))), np.repeat(film[:, :, None], 3, axis=2))


@given(st.floats(0, 1), st.floats(0, 1))
def test_opacity_rises_with_heat_and_never_hides_the_film(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= float(opacity(np.array(low))) <= float(opacity(np.array(high))) < 0.75


def test_heat_is_fitted_to_the_picture_and_holds_no_nan() -> None:
    heat = np.array([[np.nan, 2.0], [-1.0, 0.5]])
    fitted = fitted_heat(heat, depth_index=0, shape=(2, 2))
    assert fitted.tolist() == [[0, 1], [0, 0.5]]
    assert fitted_heat(heat, depth_index=0, shape=(20, 10)).shape == (20, 10)


def test_of_a_volume_the_shown_slice_is_taken() -> None:
    heat = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
    assert fitted_heat(heat, depth_index=1, shape=(2, 2)).min() == 1


def test_the_legend_runs_from_grey_to_yellow() -> None:
    legend = scale(100, 4)
    red, green, blue = (int(value) for value in legend[0, -1])
    assert np.ptp(legend[0, 0].astype(int)) == 0
    assert red > 150 and green > 150 and blue < 100
