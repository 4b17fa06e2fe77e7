"""The part of a volume that is shown of an outline."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.image import Image, Mask
from hounsfield.reporting.surroundings import surroundings

SPACING = np.diag([5.0, 1.0, 1.0, 1.0])


def volume(shape: tuple[int, int, int]) -> Image:
    values = np.arange(np.prod(shape), dtype=np.int32).reshape(1, *shape)
    return Image(values, SPACING, spacing_kind="patient")


def labelled(shape: tuple[int, int, int], *box: tuple[int, int]) -> Mask:
    labels = np.zeros(shape, dtype=np.uint8)
    labels[tuple(slice(*side) for side in box)] = 1
    return Mask(labels, ("tumour",))


def test_it_is_what_both_masks_label_and_half_its_longest_side_around() -> None:
    shape = (30, 100, 120)
    image = volume(shape)
    found, truth = labelled(shape, (10, 12), (40, 60), (50, 60)), labelled(shape, (10, 12), (50, 70), (52, 62))
    near, (seen, there) = surroundings(image, (found, truth))
    # 30 mm of rows: 15 around, which are 15 rows and columns, and 3 slices
    assert near.shape == seen.labels.shape == there.labels.shape == (8, 60, 42)
    assert near.voxels[0, 0, 0, 0] == image.voxels[0, 7, 25, 35]
    corner = geometry.world_from_index(near.affine, np.zeros((1, 3)))
    assert corner == pytest.approx(geometry.world_from_index(image.affine, np.array([[7, 25, 35]])))
    assert seen.labels.sum() == found.labels.sum() and there.labels.sum() == truth.labels.sum()


def test_it_ends_where_the_image_does_and_a_single_voxel_has_some_around_it() -> None:
    near, (seen,) = surroundings(volume((3, 40, 40)), [labelled((3, 40, 40), (0, 1), (0, 1), (20, 21))])
    assert near.shape == seen.labels.shape == (3, 9, 17)


def test_all_is_shown_where_nothing_is_labelled_and_of_a_flat_image() -> None:
    for shape, box in (((4, 40, 40), (0, 0)), ((1, 40, 40), (5, 9))):
        image = volume(shape)
        near, _ = surroundings(image, [labelled(shape, (0, 4), box, box)])
        assert near is image
