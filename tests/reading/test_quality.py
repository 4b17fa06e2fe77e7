"""The verdict on an image."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Source
from hounsfield.plan import Input
from hounsfield.reading.quality import judge

SPEC = Input(shape=(64, 64))


def image(voxels: VoxelArray) -> Image:
    return Image(voxels, planar_affine())


def grey(height: int, width: int, channels: int = 1) -> VoxelArray:
    return np.random.default_rng(0).integers(0, 255, (channels, 1, height, width), dtype=np.uint8)


def test_an_image_with_detail_is_good() -> None:
    assert judge(image(grey(64, 64)), SPEC).verdict == "good"


def test_a_blank_image_is_unfit() -> None:
    quality = judge(image(np.full((1, 1, 64, 64), 7, np.uint8)), SPEC)
    assert (quality.verdict, quality.reasons) == ("unfit", ("the image is blank: export it again, or leave it out",))


def test_detail_that_the_sample_misses_is_still_seen() -> None:
    voxels = np.zeros((1, 1, 2000, 2000), np.uint16)
    voxels[0, 0, 1:9, 1] = np.arange(8)
    assert judge(image(voxels), SPEC).verdict == "good"


def test_one_pixel_is_unfit_and_also_too_small() -> None:
    quality = judge(image(np.ones((1, 1, 1, 1), np.uint8)), SPEC)
    assert quality.verdict == "unfit"
    assert [reason.split(",")[0] for reason in quality.reasons] == [
        "the image is 1 × 1 pixels",
        "the image is blank: export it again",
    ]


def test_an_image_below_a_quarter_of_the_input_is_doubtful() -> None:
    assert judge(image(grey(15, 40)), SPEC).verdict == "doubtful"
    assert judge(image(grey(16, 40)), SPEC).verdict == "good"


def test_colour_is_doubtful_only_where_there_is_some() -> None:
    assert "in colour" in judge(image(grey(64, 64, 3)), SPEC).reasons[0]
    assert judge(image(np.repeat(grey(64, 64), 3, axis=0)), SPEC).verdict == "good"


def test_a_grey_image_is_doubtful_for_a_model_of_colour() -> None:
    assert "is grey" in judge(image(grey(64, 64)), Input(shape=(64, 64), channels=3)).reasons[0]


def test_a_name_that_promises_dicom_is_doubted() -> None:
    named = replace(image(grey(64, 64)), source=Source(path=Path("film.dcm"), format="png"))
    assert judge(named, SPEC).reasons == ("the file is named .dcm, yet it is PNG, without DICOM's tags",)
    assert judge(replace(named, source=Source(path=Path("film.dcm"), format="dicom")), SPEC).reasons == ()


def test_a_blank_channel_among_others_is_unfit_and_named() -> None:
    shown = replace(image(np.concatenate([grey(64, 64), np.zeros((1, 1, 64, 64), np.uint8)])), channel_names=("a", "b"))
    spec = Input(shape=(64, 64), channels=2, channel_names=("a", "b"))
    quality = judge(shown, spec)
    assert (quality.verdict, quality.reasons) == (
        "unfit",
        ("the channel b is blank: export it again, or leave it out",),
    )


def test_three_named_channels_are_no_colours() -> None:
    shown = replace(image(grey(64, 64, 3)), channel_names=("a", "b", "c"))
    assert judge(shown, Input(shape=(64, 64), channels=3, channel_names=("a", "b", "c"))).verdict == "good"
