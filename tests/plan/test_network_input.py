"""From a stored image to what the network is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hounsfield.arrays import VoxelArray
from hounsfield.datasets import load
from hounsfield.datasets.case import Box, Crop, Dataset, ImageRef
from hounsfield.errors import ShapeError
from hounsfield.geometry import planar_affine
from hounsfield.image import Image
from hounsfield.plan import Input
from hounsfield.plan.network_input import network_array, prepare, prepare_case, prepare_film, trace_case

MakeImages = Callable[..., Dataset]
SMALL: tuple[dict[str, Any], ...] = ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [8, 8]})


def image(*shape: int) -> Image:
    return Image(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8), planar_affine())


def grey(height: int, width: int) -> VoxelArray:
    return np.random.default_rng(0).integers(0, 255, (height, width), dtype=np.uint8)


def test_the_network_gets_channels_and_the_canvas_in_single_precision() -> None:
    spec = Input(shape=(8, 8), steps=SMALL)
    array = network_array(prepare(image(1, 1, 20, 20), spec), spec)
    assert (array.shape, array.dtype, array.flags.c_contiguous) == ((1, 8, 8), np.float32, True)
    assert 0 <= array.min() < array.max() <= 1


def test_a_volume_keeps_its_depth() -> None:
    spec = Input(shape=(4, 8, 8), steps=({"step": "resize", "shape": [4, 8, 8]},))
    assert network_array(prepare(image(1, 6, 20, 20), spec), spec).shape == (1, 4, 8, 8)


@pytest.mark.parametrize(
    ("shape", "spec", "words"),
    [
        (
            (1, 3, 9, 9),
            Input(shape=(8, 8), steps=SMALL),
            r"is a volume of \(3, 9, 9\), .* for flat images: give",
        ),
        ((1, 1, 9, 9), Input(shape=(8, 8, 8)), "is one slice, and this plan is for volumes: give all slices"),
        ((1, 1, 9, 9), Input(shape=(8, 8)), r"gave voxels of shape \(1, 1, 9, 9\), the network takes \(1, 1, 8, 8\)"),
        ((1, 1, 9, 9), Input(shape=(8, 8), margin=1.5, steps=SMALL), r"the network takes \(1, 1, 12, 12\); the last"),
        ((2, 1, 9, 9), Input(shape=(8, 8), steps=SMALL), r"gave voxels of shape \(2, 1, 8, 8\)"),
    ],
)
def test_images_of_another_kind_are_refused(shape: tuple[int, ...], spec: Input, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        prepare(image(*shape), spec)


def test_colour_and_grey_become_what_the_network_takes() -> None:
    one, three = (Input(shape=(8, 8), channels=channels, steps=SMALL) for channels in (1, 3))
    assert prepare(image(3, 1, 9, 9), one).channels == 1
    coloured = prepare(image(1, 1, 9, 9), three).voxels
    assert len(coloured) == 3
    np.testing.assert_array_equal(coloured[0], coloured[2])


def test_steps_on_the_film_must_leave_its_grid() -> None:
    keeps = Input(shape=(8, 8), film_steps=({"step": "rescale"},))
    assert prepare_film(image(1, 1, 20, 30), keeps).shape == (1, 20, 30)
    cuts = Input(shape=(8, 8), film_steps=({"step": "resize", "shape": [8, 8]},))
    with pytest.raises(ShapeError, match=r"turned an image of \(1, 20, 30\) into one of \(1, 8, 8\); boxes would no"):
        prepare_film(image(1, 1, 20, 30), cuts)


def test_a_square_is_cut_out_of_the_prepared_film_with_its_margin(tmp_path: Path) -> None:
    film = grey(40, 60)
    (tmp_path / "film.png").write_bytes(cv2.imencode(".png", film)[1].tobytes())
    ref = ImageRef(tmp_path / "film.png", crop=Crop(Box(20, 10, 30, 20), context=1.0))
    steps = ({"step": "resize", "shape": [20, 20]},)
    spec = Input(shape=(10, 10), margin=2.0, film_steps=({"step": "float", "scale": "type"},), steps=steps)
    found = network_array(prepare_case(ref, spec), spec)
    np.testing.assert_allclose(found[0], film[5:25, 15:35] / 255, atol=1e-6)


def test_a_film_that_was_changed_is_prepared_again(make_images: MakeImages) -> None:
    dataset = make_images(grey(30, 30), count=1, box=(5, 5, 15, 15))
    ref = dataset.cases[0].images["image"]
    spec = Input(shape=(8, 8), steps=SMALL)
    before = prepare_case(ref, spec).voxels
    ref.path.write_bytes(cv2.imencode(".png", 255 - grey(30, 30))[1].tobytes())
    assert not np.array_equal(prepare_case(ref, spec).voxels, before)


@pytest.mark.parametrize("box", [None, (5, 5, 15, 15)])
@pytest.mark.parametrize("colour", [False, True])
def test_the_trace_ends_in_what_the_network_is_shown(
    make_images: MakeImages, box: tuple[int, int, int, int] | None, colour: bool
) -> None:
    picture = np.stack([grey(30, 30)] * 3, axis=-1) if colour else grey(30, 30)
    ref = make_images(picture, count=1, box=box).cases[0].images["image"]
    film_steps = ({"step": "rescale"},) if box else ()
    spec = Input(shape=(8, 8), film_steps=film_steps, steps=({"step": "median", "size": 3}, *SMALL))
    trace = trace_case(ref, spec)
    film_names = ["rescale"] if box else []
    assert [name for name, _ in trace] == ["stored", *film_names, "median", "float", "resize"]
    np.testing.assert_array_equal(trace[-1][1].voxels, prepare_case(ref, spec).voxels)
    if not box:
        assert trace[0][1].shape == load(ref).shape


def test_flat_images_of_named_channels_are_brought_to_the_canvas_together() -> None:
    two = replace(image(2, 1, 20, 16), channel_names=("red", "far red"))
    spec = Input(shape=(8, 8), channels=2, channel_names=("red", "far red"), steps=SMALL)
    assert network_array(prepare(two, spec), spec).shape == (2, 8, 8)


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        ((), ("T1", "PET"), "is of one grey or coloured image, and the model looks at the channels T1, PET of each"),
        (("T1", "PET"), ("PET", "T1"), "is of the channels T1, PET, and the model looks at the channels PET, T1"),
        (("T1", "PET"), (), "and the model looks at one grey or coloured image of each case"),
    ],
)
def test_channels_that_are_called_otherwise_are_refused(
    found: tuple[str, ...], wanted: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ShapeError, match=words):
        prepare(
            replace(image(2, 1, 8, 8), channel_names=found),
            Input(shape=(8, 8), channels=2, channel_names=wanted, steps=SMALL),
        )
