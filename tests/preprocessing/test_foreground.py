"""What is cut away: air around a body, and nothing where corners differ."""

from __future__ import annotations

import numpy as np

from hounsfield import geometry
from hounsfield.preprocessing import Pipeline
from hounsfield.preprocessing.foreground import Foreground


def body(corner: float = 0) -> np.ndarray:
    voxels = np.full((12, 20, 24), corner, dtype=np.float32)
    voxels[3:9, 5:18, 2:20] = 0.5
    voxels[5, 10, 10] = corner  # air inside is kept
    return voxels


def test_a_volume_is_cut_to_what_it_shows_and_keeps_its_place(make_image) -> None:
    image = make_image(body())
    cut = Foreground().apply(image)
    assert cut.shape == (6, 13, 18)
    assert np.array_equal(cut.voxels, image.voxels[:, 3:9, 5:18, 2:20])
    first = geometry.world_from_index(cut.affine, np.zeros((1, 3)))
    assert np.allclose(first, geometry.world_from_index(image.affine, np.array([[3, 5, 2]])))


def test_the_level_around_may_be_any(make_image) -> None:
    assert Foreground().apply(make_image(body(corner=-1))).shape == (6, 13, 18)


def test_an_image_whose_corners_differ_or_that_shows_nothing_stays_whole(make_image) -> None:
    voxels = body()
    voxels[0, 0, 0] = 0.1
    assert Foreground().apply(make_image(voxels)).shape == voxels.shape
    assert Foreground().apply(make_image(np.zeros((4, 5, 6), np.float32))).shape == (4, 5, 6)


def test_ct_after_a_window_is_cut_to_the_body_whatever_noise_the_air_has(make_image) -> None:
    noise = np.random.default_rng(0).normal(0, 20, (12, 20, 24))
    steps = [{"step": "window", "center": 40.0, "width": 400.0}, {"step": "foreground"}]
    found = Pipeline.from_data(steps).apply(make_image((noise - 1000 + 1040 * (body() > 0)).astype(np.float32)))
    assert found.shape == (6, 13, 18)
