import numpy as np
import pytest

from hounsfield.errors import ShapeError
from hounsfield.preprocessing.channels import Grey


def test_grey_weighs_red_green_and_blue_as_bt_601(make_image) -> None:
    colours = np.array([255, 0, 0, 0, 255, 0, 0, 0, 255], dtype=np.uint8).reshape(3, 3).T.reshape(3, 1, 1, 3)

    grey = Grey().apply(make_image(colours)).voxels

    assert grey.dtype == np.uint8
    np.testing.assert_array_equal(grey.ravel(), [76, 150, 29])  # 255 x 0.299, 0.587, 0.114, rounded


def test_a_grey_image_is_left_as_it_is(make_image) -> None:
    image = make_image(np.ones((4, 4)))

    assert Grey().apply(image) is image


def test_other_numbers_of_channels_are_refused(make_image) -> None:
    with pytest.raises(ShapeError, match="1 or 3 channels, but this one has 2"):
        Grey().apply(make_image(np.zeros((2, 1, 4, 4))))
