"""`Image` and `Mask` refuse what does not fit together."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from hounsfield import geometry
from hounsfield.errors import ShapeError
from hounsfield.image import Image, Mask, Window


def test_an_image_knows_its_shape_channels_and_spacing() -> None:
    image = Image(np.zeros((3, 1, 4, 5), np.uint8), geometry.planar_affine((0.1, 0.2)))
    assert (image.channels, image.shape, image.planar) == (3, (1, 4, 5), True)
    assert image.spacing_mm == pytest.approx((1, 0.1, 0.2))
    assert not Image(np.zeros((1, 2, 4, 5)), np.eye(4)).planar


def test_named_channels_come_apart_as_grey_images_and_the_first_keeps_what_the_file_says() -> None:
    voxels = np.arange(40, dtype=np.uint8).reshape(2, 1, 4, 5)
    image = Image(voxels, np.eye(4), "MR", windows=(Window(5, 9),), channel_names=("T1", "PET"))
    first, second = image.apart
    assert (first.channels, first.modality, first.windows) == (1, "MR", (Window(5, 9),))
    assert (second.channel_names, second.modality, second.windows) == ((), "", ())
    np.testing.assert_array_equal(second.voxels, voxels[1:])
    colour = Image(np.zeros((3, 1, 4, 5), np.uint8), np.eye(4))
    assert colour.apart == (colour,)
    with pytest.raises(ShapeError, match="2 channels cannot be called T1"):
        Image(voxels, np.eye(4), channel_names=("T1",))


def test_an_image_lies_in_the_patient_where_its_file_says_where() -> None:
    voxels = np.zeros((1, 1, 4, 5), np.uint8)
    somewhere = np.diag([1.0, 0.1, 0.2, 1.0])
    assert Image(voxels, somewhere, spacing_kind="patient").placed
    assert not Image(voxels, somewhere).placed
    assert not Image(voxels, geometry.planar_affine((0.1, 0.2)), spacing_kind="patient").placed
    assert not Image(voxels, somewhere, spacing_kind="detector").placed


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (1, 1, 0, 5)])
def test_voxels_need_four_axes_with_something_in_them(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"\(channel, depth, height, width\), not"):
        Image(np.zeros(shape), np.eye(4))


def test_an_affine_is_four_by_four() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 4\), not \(3, 4\)"):
        Image(np.zeros((1, 1, 2, 2)), np.eye(4)[:3])


def test_labels_are_whole_numbers_on_three_axes() -> None:
    with pytest.raises(ShapeError, match=r"\(depth, height, width\), not \(2, 2\)"):
        Mask(np.zeros((2, 2), np.uint8), ("liver",))
    with pytest.raises(ShapeError, match="whole numbers, not float32"):
        Mask(np.zeros((1, 2, 2), np.float32), ("liver",))  # type: ignore[arg-type]  # the wrong type is the point


def test_names_may_exclude_each_other_or_overlap() -> None:
    labels = np.array([[[0, 1, 2, 3]]], dtype=np.uint8)
    apart = dict(Mask(labels, ("liver", "tumour", "spleen")).parts())
    assert [apart[name].sum() for name in apart] == [1, 1, 1]
    within = dict(Mask(labels, ("liver", "tumour"), exclusive=False).parts())
    np.testing.assert_array_equal(within["liver"][0, 0], [False, True, False, True])
    np.testing.assert_array_equal(within["tumour"][0, 0], [False, False, True, True])


def test_objects_have_one_name_and_numbers_of_their_own() -> None:
    labels = np.array([[[0, 900, 7]]], dtype=np.int32)
    (only,) = Mask(labels, ("cell",), instances=True).parts()
    assert only[0] == "cell"
    np.testing.assert_array_equal(only[1][0, 0], [False, True, True])
    with pytest.raises(ShapeError, match="one name for all"):
        Mask(labels, ("cell", "other"), instances=True)


def test_an_image_does_not_change() -> None:
    image = Image(np.zeros((1, 1, 2, 2)), np.eye(4))
    with pytest.raises(FrozenInstanceError):
        image.modality = "CT"  # type: ignore[misc]  # assigning is the point
