"""Volumes the same way up, however their files begin."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.image import Image
from hounsfield.preprocessing import Pipeline
from hounsfield.preprocessing.grid import flip
from hounsfield.preprocessing.orient import Orient

UPRIGHT = geometry.affine_from_axes(
    origin_mm=np.array([-12.0, 31, 7]), spacing_mm=(3.0, 0.8, 0.7), directions=np.eye(3)[:, ::-1]
)
"""Slices to the head, rows to the back, columns to the left."""


def volume(affine: np.ndarray = UPRIGHT) -> Image:
    voxels = np.arange(4 * 5 * 6, dtype=np.float32).reshape(1, 4, 5, 6)
    return Image(voxels, affine, spacing_kind="patient")


@pytest.mark.parametrize("axes", [axes for count in range(4) for axes in product(range(3), repeat=count)][:20])
def test_whichever_way_a_file_begins_the_volume_is_the_same(axes: tuple[int, ...]) -> None:
    image = volume()
    turned = image
    for axis in axes:
        turned = flip(turned, axis)
    found = Orient().apply(turned)
    np.testing.assert_array_equal(found.voxels, image.voxels)
    np.testing.assert_allclose(found.affine, image.affine, atol=1e-9)


def test_axes_keep_their_order_and_what_leans_goes_where_it_leans_most() -> None:
    lean = np.linalg.qr(np.array([[0.2, 0.1, 1.0], [0.1, -1.0, 0.1], [1.0, 0.1, -0.3]]))[0]
    affine = geometry.affine_from_axes(origin_mm=np.zeros(3), spacing_mm=(1.0, 1.0, 1.0), directions=lean)
    assert geometry.orientation(Orient().apply(volume(affine)).affine) == "SPL"
    sagittal = UPRIGHT[:, [2, 1, 0, 3]] * np.array([-1.0, 1, 1, 1])
    found = Orient().apply(volume(sagittal))
    assert geometry.orientation(sagittal) == "RPS" and geometry.orientation(found.affine) == "LPS"
    assert found.shape == (4, 5, 6)


def test_an_image_without_a_place_stays_as_it_is() -> None:
    image = replace(flip(volume(), 1), spacing_kind="none")
    assert Pipeline.from_data([{"step": "orient"}]).apply(image) is image
