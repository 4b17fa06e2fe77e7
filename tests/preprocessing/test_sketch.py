"""What steps say of their memory, held against what they take."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hounsfield.image import Image
from hounsfield.preprocessing import STEPS, Pipeline
from hounsfield.preprocessing.channels import Grey, Threefold, need_applied
from hounsfield.preprocessing.sketch import COPIES, Sketch, Sparing, need_of
from hounsfield.preprocessing.step import Step

AFFINE = np.diag([-2.0, -0.8, 0.8, 1.0])
"""Two axes run against the patient's."""
SMALL = 60_000
"""Bytes of Python's own objects."""

ONE: list[dict[str, Any]] = [
    {"step": "float"},
    {"step": "float", "scale": "type"},
    {"step": "window"},
    {"step": "rescale"},
    {"step": "rescale", "over": "nonzero"},
    {"step": "foreground"},
    {"step": "orient"},
    {"step": "spacing", "mm": [2.5, 1.5, 1.5]},
    {"step": "spacing", "mm": [2.0, 1.5, 1.5]},
    {"step": "spacing", "mm": [0.5, 0.5, 0.5]},
    {"step": "spacing", "mm": [2.0, 0.8, 0.8]},
    {"step": "resize", "shape": [12, 40, 40], "keep_aspect": False},
    {"step": "resize", "shape": [80, 200, 200]},
]
OUTLINING: list[dict[str, Any]] = [
    {"step": "window"}, {"step": "foreground"}, {"step": "spacing", "mm": [1.5, 1.5, 1.5]}, {"step": "orient"}
]  # fmt: skip


def volume(dtype: str, channels: int) -> Image:
    voxels = np.random.default_rng(0).integers(1, 250, (channels, 40, 100, 100)).astype(dtype)
    voxels[:, :, :4] = voxels[:, :, -2:] = 0
    return Image(voxels, AFFINE, spacing_kind="patient")


def taken(pipeline: Pipeline, image: Image) -> int:
    pipeline.apply(replace(image, voxels=image.voxels[:, :8, :20, :20]))  # what is imported then
    tracemalloc.start()
    try:
        result = pipeline.apply(image)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        del result


@pytest.mark.parametrize(("dtype", "channels"), [("int16", 1), ("uint16", 1), ("float32", 1), ("float32", 2)])
@pytest.mark.parametrize("steps", [*([one] for one in ONE), OUTLINING], ids=str)
def test_no_step_takes_more_than_it_says_nor_much_less(steps: list[dict[str, Any]], dtype: str, channels: int) -> None:
    pipeline, image = Pipeline.from_data(steps), volume(dtype, channels)
    needed, most = pipeline.need(Sketch.of(image)), taken(pipeline, image)
    assert most <= needed + SMALL
    assert needed <= 2 * most + SMALL


ON_CHANNELS: list[list[dict[str, Any]]] = [
    *([{"step": step}] for step in ("window", "rescale")),
    [{"step": "rescale", "over": "nonzero"}],
    [{"step": "window", "channel": "b"}],
    [{"step": "rescale", "channel": "a"}],
    [{"step": "window", "channel": "a"}, {"step": "rescale", "channel": "b"}],
    [{"step": "rescale"}, {"step": "foreground"}, {"step": "spacing", "mm": [1.5, 1.5, 1.5]}, {"step": "orient"}],
]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("steps", ON_CHANNELS, ids=str)
def test_on_named_channels_too_no_step_takes_more_than_it_says_nor_much_less(
    steps: list[dict[str, Any]], channels: int, dtype: str
) -> None:
    image = replace(volume(dtype, channels), channel_names=tuple("abcd"[:channels]))
    pipeline = Pipeline.from_data(steps)
    needed, most = pipeline.need(Sketch.of(image)), taken(pipeline, image)
    assert most <= needed + SMALL
    assert needed <= 2 * most + SMALL
    sketch = Sketch.of(image)
    for step in pipeline.steps:
        sketch = need_applied(step, sketch)[1]
    assert sketch.dtype == pipeline.apply(image).voxels.dtype


def test_filters_keep_the_type_of_named_channels_and_count_so() -> None:
    image = replace(volume("int16", 2), channel_names=("a", "b"))
    for steps in ([{"step": "median"}], [{"step": "gaussian", "channel": "b"}]):
        pipeline = Pipeline.from_data(steps)
        assert taken(pipeline, image) <= pipeline.need(Sketch.of(image)) + SMALL


def test_what_comes_out_is_as_the_sketch_says() -> None:
    image = volume("int16", 1)
    sketch = Sketch.of(image)
    for entry in ONE:
        (step,) = Pipeline.from_data([entry]).steps
        assert isinstance(step, Sparing)
        result, found = step.apply(image), step.need(sketch)[1]
        if entry["step"] != "foreground":
            assert (found.shape, found.dtype, found.channels) == (result.shape, result.voxels.dtype, 1)
            assert found.spacing_mm == pytest.approx(result.spacing_mm)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize(("step", "channels"), [(Grey(), 3), (Grey(), 1), (Threefold(), 1)], ids=str)
def test_colours_take_what_they_say_and_are_as_the_sketch_says(step: Step, channels: int, dtype: str) -> None:
    image, pipeline = volume(dtype, channels), Pipeline((step,))
    sketch = Sketch.of(image)
    needed, most = pipeline.need(sketch), taken(pipeline, image)
    assert most <= needed + SMALL and needed <= 2 * most + SMALL
    result, found = step.apply(image), need_of(step, sketch)[1]
    assert (found.channels, found.dtype) == (result.channels, result.voxels.dtype)


def test_of_a_step_that_does_not_say_four_copies_are_counted() -> None:
    steps = Pipeline.from_data([{"step": "bilateral"}, {"step": "window"}])
    assert not isinstance(steps.steps[0], Sparing)
    sketch = Sketch.of(volume("int16", 1))
    assert steps.need(sketch) == 4 * COPIES * sketch.voxels


def test_steps_that_say_nothing_are_few() -> None:
    silent = {name for name, kind in STEPS.items() if not hasattr(kind, "need")}
    assert silent <= {"breast", "gaussian", "median", "bilateral", "display", "zscore", "clahe"}
