import json
from typing import Any

import numpy as np
import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from hounsfield.errors import ImageError, PlanError
from hounsfield.preprocessing import STEPS, Pipeline
from hounsfield.preprocessing.breast import BreastRegion
from hounsfield.preprocessing.filters import Bilateral, Gaussian, Median
from hounsfield.preprocessing.intensity import Rescale, ZScore
from hounsfield.preprocessing.resample import Resize
from hounsfield.preprocessing.step import Step

CASE_STUDY = Pipeline((BreastRegion(), Gaussian(1.0), Median(3), Bilateral(), Rescale(), Resize((64, 48))))

steps = st.one_of(
    st.builds(Gaussian, st.floats(0.1, 9), st.sampled_from(["pixels", "mm"])),
    st.builds(Median, st.sampled_from([3, 5, 7])),
    st.builds(Rescale, st.floats(0, 40), st.floats(60, 100), st.sampled_from(["image", "nonzero"])),
    st.builds(Resize, st.tuples(st.integers(1, 99), st.integers(1, 99)), st.booleans()),
    st.builds(ZScore),
)


@settings(deadline=None)  # the first call imports pydantic
@given(st.lists(steps, max_size=4))
def test_a_pipeline_written_as_toml_comes_back_the_same(chosen: list[Step]) -> None:
    pipeline = Pipeline(tuple(chosen))

    text = tomlkit.dumps({"preprocessing": pipeline.as_data()})

    assert Pipeline.from_data(tomlkit.parse(text).unwrap()["preprocessing"]) == pipeline


def test_every_step_is_made_from_its_name_alone_and_can_be_written_as_json() -> None:
    pipeline = Pipeline.from_data([{"step": name} for name in STEPS])

    assert [entry["step"] for entry in json.loads(json.dumps(pipeline.as_data()))] == list(STEPS)


def test_whole_numbers_stand_for_fractions_and_lists_for_shapes() -> None:
    pipeline = Pipeline.from_data([{"step": "gaussian", "sigma": 2}, {"step": "resize", "shape": [32, 24]}])

    assert pipeline.steps == (Gaussian(2.0), Resize((32, 24)))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"step": "blur"}, r"step 1 is called 'blur'; known steps: bilateral, breast, .*zscore"),
        ({"size": 3}, r"step 1 is called None; known steps"),
        ({"step": "median", "radius": 3}, r"step 'median' has no field 'radius'; its fields: size"),
        ({"step": "median", "size": 4}, r"step 'median', field 'size': found 4, but it must be an odd whole number"),
        ({"step": "median", "size": "3"}, r"step 'median', field 'size': found '3': .*integer"),
        ({"step": "median", "size": True}, r"step 'median', field 'size': found True"),
        ({"step": "gaussian", "sigma": -1}, r"field 'sigma': found -1.0, but it must be a number above 0"),
        ({"step": "gaussian", "unit": "cm"}, r"step 'gaussian', field 'unit': found 'cm'"),
        ({"step": "breast", "margin": 2}, r"field 'margin': found 2.0, but it must be a number in 0 to 1"),
        ({"step": "breast", "side": "up"}, r"field 'side': found 'up'"),
        ({"step": "rescale", "low": 60, "high": 40}, r"a percentile below 'high'"),
        ({"step": "window", "width": 0}, r"field 'width': found 0.0"),
        ({"step": "clahe", "tiles": 0}, r"field 'tiles': found 0"),
        ({"step": "resize", "shape": [8]}, r"field 'shape': found \(8,\), but it must be two or three whole numbers"),
        ({"step": "resize", "shape": [8, 0]}, r"field 'shape'"),
        ({"step": "spacing", "mm": [0]}, r"field 'mm'"),
    ],
)
def test_what_a_plan_must_not_say_is_refused_with_a_sentence(entry: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        Pipeline.from_data([entry])


def test_a_trace_gives_the_stored_image_and_one_after_each_step(make_image, film) -> None:
    image = make_image(film)

    trace = CASE_STUDY.trace(image)

    assert [name for name, _ in trace] == ["stored", "breast", "gaussian", "median", "bilateral", "rescale", "resize"]
    assert trace[0][1] is image
    np.testing.assert_array_equal(trace[-1][1].voxels, CASE_STUDY.apply(image).voxels)


def test_the_case_study_ends_in_values_from_0_to_1_of_the_wanted_shape(make_image, film) -> None:
    done = CASE_STUDY.apply(make_image(film))

    assert done.shape == (1, 64, 48)
    assert done.voxels.dtype == np.float32
    assert done.voxels.min() == 0
    assert done.voxels.max() == pytest.approx(1)


def test_a_pipeline_leaves_the_stored_image_as_it_was(make_image, film) -> None:
    image = make_image(film.copy())

    CASE_STUDY.apply(image)

    np.testing.assert_array_equal(image.voxels[0, 0], film)


def test_values_that_are_not_numbers_are_refused_and_the_first_is_named(make_image) -> None:
    array = np.ones((8, 8), dtype=np.float32)
    array[2, 5] = np.nan
    array[3, 0] = np.inf

    with pytest.raises(ImageError, match=r"2 of 64 voxels are not finite numbers, the first at .* = \(0, 0, 2, 5\)"):
        Pipeline().apply(make_image(array))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
def test_an_image_of_one_pixel_passes_every_step_but_the_breast(make_image, dtype) -> None:
    pixel = make_image(np.full((1, 1), 7, dtype=dtype), spacing=(0.5, 0.5))
    rest = Pipeline.from_data([{"step": name} for name in STEPS if name != "breast"])

    assert np.isfinite(rest.apply(pixel).voxels).all()
    with pytest.raises(ImageError, match="no breast was found on this film of 1 x 1 pixels: it shows one grey level"):
        BreastRegion().apply(pixel)
