"""How an image looks to the gate: every plane of every channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Window
from hounsfield.likeness.look import look_at
from hounsfield.preprocessing.grid import flip


@pytest.mark.parametrize(("depth", "planes"), [(1, 1), (5, 3)])
def test_each_named_channel_is_looked_at_by_itself(depth: int, planes: int) -> None:
    """Two channels of the same picture at levels far apart look the same; as colours they would not."""
    levels = np.random.default_rng(0).uniform(0, 1, (depth, 20, 30)).astype(np.float32)
    image = Image(np.stack([levels, 1000 * levels]), planar_affine(), channel_names=("a", "b"))
    seen = look_at(image)
    assert seen.shape == (2 * planes, 128, 128)
    np.testing.assert_allclose(seen[:planes].astype(int), seen[planes:].astype(int), atol=1)
    assert len(look_at(replace(image, channel_names=()))) == planes


def test_a_volume_is_looked_at_the_same_way_up_however_its_file_has_it() -> None:
    voxels = np.random.default_rng(0).uniform(size=(1, 9, 11, 13)).astype(np.float32)
    image = Image(voxels, np.diag([3.0, 1, 1, 1])[[2, 1, 0, 3]], spacing_kind="patient")
    turned = flip(flip(image, 1), 2)
    assert not np.array_equal(turned.voxels, image.voxels)
    np.testing.assert_array_equal(look_at(turned), look_at(image))
    with_window = replace(image, windows=(Window(0.5, 0.1),), modality="CT")  # as a DICOM file has it
    np.testing.assert_array_equal(look_at(with_window), look_at(image))
    unplaced = replace(turned, spacing_kind="none")
    assert not np.array_equal(look_at(unplaced), look_at(image))
