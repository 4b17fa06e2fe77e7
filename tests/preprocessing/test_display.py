from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import ImageError
from hounsfield.image import Window
from hounsfield.preprocessing.display import Display


def test_the_files_own_first_window_is_applied(make_image) -> None:
    image = replace(
        make_image(np.array([[0, 1000, 2000, 4000]], dtype=np.uint16)),
        windows=(Window(2000, 2000, function="LINEAR_EXACT"), Window(1, 2)),
    )

    shown = Display().apply(image)

    np.testing.assert_allclose(shown.voxels.ravel(), [0, 0, 0.5, 1])
    assert shown.windows == ()


def test_eight_bits_are_a_share_of_255(make_image) -> None:
    image = make_image(np.array([[0, 51, 255]], dtype=np.uint8))

    np.testing.assert_allclose(Display().apply(image).voxels.ravel(), [0, 0.2, 1])


def test_other_numbers_run_from_their_low_to_their_high_percentile(make_image) -> None:
    image = make_image(np.linspace(100, 3000, 1001, dtype=np.float32)[np.newaxis])

    shown = Display().apply(image).voxels.ravel()

    assert shown[0] == 0
    assert shown[-1] == 1
    assert shown[500] == pytest.approx(0.5, abs=1e-3)


def test_a_film_in_8_and_in_16_bits_with_a_window_looks_the_same(make_image) -> None:
    levels = np.arange(256, dtype=np.uint16)[np.newaxis]
    sixteen = replace(make_image(levels * 257), windows=(Window(65535 / 2, 65535, function="LINEAR_EXACT"),))

    np.testing.assert_allclose(
        Display().apply(sixteen).voxels, Display().apply(make_image(levels.astype(np.uint8))).voxels, atol=1e-6
    )


def test_what_is_no_number_is_refused(make_image) -> None:
    with pytest.raises(ImageError, match="1 of 3 voxels"):
        Display().apply(make_image(np.array([[0, np.nan, 1]], dtype=np.float32)))
