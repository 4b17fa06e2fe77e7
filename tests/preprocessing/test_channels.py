from dataclasses import replace

import numpy as np
import pytest

from hounsfield.errors import ImageError, PlanError, ShapeError
from hounsfield.image import Image, Window
from hounsfield.preprocessing import Pipeline
from hounsfield.preprocessing.channels import Grey
from hounsfield.preprocessing.pipeline import step_words


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


def two(make_image) -> Image:
    """CT from -1000 to 1000 and PET from 0 to 20."""
    levels = np.linspace(0, 1, 21, dtype=np.float32).reshape(1, 3, 7)
    return replace(make_image(np.stack([2000 * levels - 1000, 20 * levels])), channel_names=("CT", "PET"))


def test_levels_of_named_channels_are_each_channels_own(make_image) -> None:
    image = two(make_image)
    done = Pipeline.from_data([{"step": "rescale", "low": 0, "high": 100}]).apply(image)
    np.testing.assert_allclose(done.voxels[0], done.voxels[1], atol=1e-6)
    assert done.channel_names == ("CT", "PET")
    together = Pipeline.from_data([{"step": "rescale", "low": 0, "high": 100}]).apply(replace(image, channel_names=()))
    assert together.voxels[1].max() < 0.6


def test_a_step_can_be_for_one_channel_alone(make_image) -> None:
    image = two(make_image)
    steps = [
        {"step": "window", "center": 0, "width": 101, "channel": "CT"},
        {"step": "rescale", "low": 0, "high": 100, "channel": "PET"},
    ]
    pipeline = Pipeline.from_data(steps)
    done = pipeline.apply(image)
    np.testing.assert_allclose(np.unique(done.voxels[0]), [0, 0.505, 1], atol=1e-3)
    np.testing.assert_allclose(done.voxels[1], image.voxels[1] / 20, atol=1e-6)
    assert [name for name, _ in pipeline.trace(image)] == ["stored", "window (CT)", "rescale (PET)"]
    np.testing.assert_array_equal(pipeline.trace(image)[2][1].voxels[0], done.voxels[1])
    assert [step_words(one) for one in pipeline.as_data()] == ["window (CT)", "rescale (PET)"]
    assert Pipeline.from_data(pipeline.as_data()) == pipeline


def test_a_channel_of_whole_numbers_becomes_float_with_the_others(make_image) -> None:
    image = replace(make_image(np.full((2, 1, 2, 2), 300, np.int16)), channel_names=("a", "b"))
    image.voxels[1, 0, 0] = 100
    done = Pipeline.from_data([{"step": "rescale", "channel": "b"}]).apply(image)
    assert done.voxels.dtype == np.float32 and (done.voxels[0] == 300).all() and done.voxels[1].max() == 1
    kept = Pipeline.from_data([{"step": "median", "channel": "b"}]).apply(image)
    assert kept.voxels.dtype == np.int16


def test_channels_that_are_not_there_and_steps_for_all_of_them_are_refused(make_image) -> None:
    with pytest.raises(ShapeError, match="step 'rescale' is for the channel 'T1', and .* has CT, PET"):
        Pipeline.from_data([{"step": "rescale", "channel": "T1"}]).apply(two(make_image))
    with pytest.raises(ShapeError, match="has none with a name"):
        Pipeline.from_data([{"step": "rescale", "channel": "T1"}]).apply(make_image(np.zeros((4, 4))))
    with pytest.raises(PlanError, match="step 'spacing', field 'channel': found 'CT'"):
        Pipeline.from_data([{"step": "spacing", "channel": "CT"}])
    with pytest.raises(PlanError, match="field 'channel': found 3: input should be the name of a channel"):
        Pipeline.from_data([{"step": "rescale", "channel": 3}])
    colours = replace(make_image(np.zeros((3, 1, 4, 4))), channel_names=("a", "b", "c"))
    with pytest.raises(ShapeError, match="step 'grey' is for colours, and this image has a, b, c"):
        Grey().apply(colours)


def test_named_channels_of_mixed_types_are_not_scaled_by_a_type(make_image) -> None:
    """8 bits beside 16 bits are both float32 once they are put together: neither has a largest number any more."""
    pipeline = Pipeline.from_data([{"step": "float", "scale": "type"}])
    mixed = replace(make_image(np.full((2, 1, 4, 4), 254, np.float32)), channel_names=("DAPI", "GFP"))
    with pytest.raises(ImageError, match="its channels DAPI, GFP are not whole numbers of one type"):
        pipeline.apply(mixed)
    eight = replace(mixed, voxels=mixed.voxels.astype(np.uint8))
    np.testing.assert_allclose(pipeline.apply(eight).voxels, 254 / 255)
    grey = replace(mixed, channel_names=())
    np.testing.assert_array_equal(pipeline.apply(grey).voxels, mixed.voxels)


@pytest.mark.parametrize(("channel", "kept"), [("CT", False), ("PET", True)])
def test_windows_are_dropped_with_the_levels_of_the_first_channel(make_image, channel: str, kept: bool) -> None:
    image = replace(two(make_image), windows=(Window(40, 400),))
    done = Pipeline.from_data([{"step": "rescale", "channel": channel}]).apply(image)
    assert done.windows == (image.windows if kept else ())
    assert Pipeline.from_data([{"step": "rescale"}]).apply(image).windows == ()
    assert Pipeline.from_data([{"step": "median"}]).apply(image).windows == image.windows


def test_the_image_that_came_in_is_left_as_it_is(make_image) -> None:
    image = two(make_image)
    before = image.voxels.copy()
    for steps in ([{"step": "rescale"}], [{"step": "rescale", "channel": "PET"}]):
        Pipeline.from_data(steps).apply(image)
        np.testing.assert_array_equal(image.voxels, before)
