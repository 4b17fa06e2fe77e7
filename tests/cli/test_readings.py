"""What `read` writes of an outline: the number of every voxel, whatever the image's intensities are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hounsfield.arrays import IntArray, VoxelArray
from hounsfield.cli.readings import Batch
from hounsfield.findings import ModelIdentity, Reading
from hounsfield.geometry import planar_affine
from hounsfield.image import Image, Mask, Window
from hounsfield.reading.batch import Item

GREY: VoxelArray = np.linspace(-1024, 3000, 48, dtype=np.float32).reshape(1, 1, 6, 8)
"""As after a rescale slope."""


def written(
    folder: Path, image: Image, labels: IntArray, names: tuple[str, ...], *, exclusive: bool = True
) -> IntArray:
    """The numbers that are in the file of labels."""
    outline = Mask(labels[None], names, exclusive)
    reading = Reading(
        "film", "film.dcm", (), ModelIdentity("m", "0", "0" * 64), looked_for=names, outline=outline, outlined=True
    )
    Batch(folder, figures=True).take(Item("film", "film.dcm", Path("film.dcm")), image, reading)
    found = cv2.imread(str(folder / "film.labels.png"), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "image",
    [
        Image(GREY, planar_affine(), "CT", windows=(Window(40, 400),)),
        Image(GREY, planar_affine(), "CR", windows=(Window(1.5, 1.0, "SIGMOID"), Window(0, 4000))),
        Image(GREY / 4024, planar_affine()),
        Image((GREY + 1024).astype(np.uint16), planar_affine(), "MG", windows=(Window(2000, 100),)),
        Image(np.repeat((GREY > 0).astype(np.uint8), 3, axis=0), planar_affine()),
    ],
    ids=["window", "sigmoid", "shares", "sixteen bits", "colour"],
)
def test_the_labels_of_a_flat_image_are_numbers_whatever_its_window_and_intensities(
    tmp_path: Path, image: Image
) -> None:
    labels: IntArray = np.arange(48).reshape(6, 8) % 3

    found = written(tmp_path, image, labels, ("liver", "tumour"))

    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, labels)


def test_labels_that_overlap_take_sixteen_bits_where_they_need_them(tmp_path: Path) -> None:
    names = tuple(f"region {n}" for n in range(16))
    bits: IntArray = (2 ** (np.arange(48) % 16)).reshape(6, 8)

    found = written(tmp_path, Image(GREY, planar_affine(), windows=(Window(40, 400),)), bits, names, exclusive=False)

    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, bits)


def test_of_a_volume_the_figure_shows_it_from_outside_too(tmp_path: Path) -> None:
    voxels = np.zeros((1, 12, 40, 40), dtype=np.int16)
    labels = np.zeros((12, 40, 40), dtype=np.uint8)
    labels[3:9, 10:30, 10:30] = 1
    image = Image(voxels, np.diag([2.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]], "CT", spacing_kind="patient")
    heights = {}
    for name, own in (("something", labels), ("nothing", np.zeros_like(labels))):
        folder = tmp_path / name
        folder.mkdir()
        reading = Reading(
            "a", "a.nii", (), ModelIdentity("m", "0", "0" * 64), looked_for=("one",), outline=Mask(own, ("one",)),
            outlined=True,
        )  # fmt: skip
        Batch(folder, figures=True).take(Item("a", "a.nii", Path("a.nii")), image, reading)
        figure = cv2.imread(str(folder / "a.png"))
        assert figure is not None
        heights[name] = figure.shape[0]
    assert heights["something"] > heights["nothing"] + 300
