from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hounsfield.errors import UsageError
from hounsfield.formats.window import CT_WINDOWS, apply_window, choose_window, parse_window
from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Window

LUNG, SOFT = Window(-600, 1500, name="LUNG"), Window(40, 400, name="SOFT")


def image(values: Any = ((0, 5), (7, 10)), *, dtype: str = "i2", **changed: Any) -> Image:
    return Image(voxels=np.asarray(values, dtype)[None, None], affine=planar_affine(), **changed)


def test_the_standards_own_example_of_a_linear_window() -> None:
    # PS3.3 C.11.2.1.2.1, centre 2048 and width 4096: 0 at x <= 0, 1 at x > 4095, x / 4095 between
    got = apply_window(np.array([-1, 0, 1365, 4095, 5000]), Window(2048, 4096))
    np.testing.assert_allclose(got, [0, 0, 1 / 3, 1, 1], atol=1e-6)


def test_a_linear_window_of_width_one_is_a_threshold() -> None:
    # PS3.3 C.11.2.1.2.1, centre 2048 and width 1: black up to 2047.5, white above
    np.testing.assert_array_equal(apply_window(np.array([2047, 2048]), Window(2048, 1)), [0, 1])


def test_an_exact_window_reaches_its_ends() -> None:
    got = apply_window(np.array([0.0, 1.0, 2.0]), Window(1, 2, function="LINEAR_EXACT"))
    np.testing.assert_allclose(got, [0, 0.5, 1])


def test_a_sigmoid_is_half_at_its_centre_and_survives_far_values() -> None:
    got = apply_window(np.array([-1e9, 100.0, 1e9]), Window(100, 5, function="SIGMOID"))
    np.testing.assert_allclose(got, [0, 0.5, 1], atol=1e-6)


def test_a_table_is_read_between_its_steps() -> None:
    window = Window(1, 2, function="LINEAR_EXACT", table=(0.0, 0.8, 1.0))
    np.testing.assert_allclose(apply_window(np.array([-1, 0, 0.5, 1, 2, 9]), window), [0, 0, 0.4, 0.8, 1, 1])


@given(
    st.floats(-2000, 2000), st.floats(0.5, 4000), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.lists(st.floats(-5000, 5000), min_size=2, max_size=9),
)  # fmt: skip
def test_brightness_never_falls_and_stays_in_range(center: float, width: float, function: Any, values: Any) -> None:
    shown = apply_window(np.sort(np.array(values)), Window(center, width, function=function))
    assert (np.diff(shown) >= -1e-6).all()
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_applying_a_window_leaves_the_values_alone() -> None:
    values = np.array([1.0, 2.0], np.float32)
    apply_window(values, Window(1, 3))
    np.testing.assert_array_equal(values, [1, 2])


@pytest.mark.parametrize(("words", "meant"), [
    ("40,400", Window(40, 400)), ("-600, 1500.5", Window(-600, 1500.5)), ("1", 1), ("lung", "lung"),
])  # fmt: skip
def test_words_for_a_window_are_understood(words: str, meant: Any) -> None:
    assert parse_window(words) == meant


@pytest.mark.parametrize("words", ["40,", "a,b", "40,0", "40,-3", "1,2,3", "40,nan", "inf,4"])
def test_numbers_that_make_no_window_are_refused(words: str) -> None:
    with pytest.raises(UsageError, match="window"):
        parse_window(words)


def test_the_files_first_window_is_taken_when_none_is_asked_for() -> None:
    assert choose_window(image(windows=(LUNG, SOFT)), None) == LUNG


def test_without_windows_the_whole_range_is_shown() -> None:
    got = choose_window(image(), None)
    assert got is not None
    np.testing.assert_allclose(apply_window(np.array([0, 5, 10]), got), [0, 0.5, 1])


def test_eight_bits_need_no_window() -> None:
    assert choose_window(image(dtype="u1"), None) is None


def test_a_flat_image_of_one_value_has_a_window() -> None:
    got = choose_window(image(((3, 3),)), "full")
    assert got is not None
    assert got.width > 0


def test_windows_are_chosen_by_place_and_name() -> None:
    both = image(windows=(LUNG, SOFT))
    assert choose_window(both, 1) == SOFT
    assert choose_window(both, "soft") == SOFT
    assert choose_window(image(modality="CT"), "Bone") == CT_WINDOWS["bone"]
    assert choose_window(image(modality="CT", windows=(LUNG,)), "lung") == LUNG


@pytest.mark.parametrize("wanted", ["bone", 2, -1])
def test_an_unknown_window_is_refused_with_those_there_are(wanted: Any) -> None:
    with pytest.raises(UsageError, match=r"no window .*0 \(LUNG\), 1 \(SOFT\), and there are full and centre,width"):
        choose_window(image(modality="MR", windows=(LUNG, SOFT)), wanted)
