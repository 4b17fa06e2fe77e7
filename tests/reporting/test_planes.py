"""Lines around what is outlined."""

from __future__ import annotations

import numpy as np

from hounsfield.image import Image, Mask
from hounsfield.reporting.planes import COLOURS, TRUTH, middle_of, outlined_pixels


def grey(height: int, width: int) -> Image:
    return Image(np.full((1, 1, height, width), 90, dtype=np.uint8), np.eye(4))


def test_objects_that_touch_have_lines_of_their_own() -> None:
    mask = np.zeros((1, 200, 300), dtype=np.int32)
    mask[0, 40:160, 50:150], mask[0, 40:160, 150:250] = 70_001, 70_002
    drawn = outlined_pixels(grey(200, 300), Mask(mask, ("cell",), instances=True), centre=(0, 0, 0), max_side=300)
    left, right = drawn[100, 149].tolist(), drawn[100, 150].tolist()
    assert left != right
    assert {tuple(left), tuple(right)} <= set(COLOURS)
    assert drawn[100, 100].tolist() == [90] * 3  # inside
    assert drawn[100, 20].tolist() == [90] * 3  # far from both
    assert drawn[100, 49].max() < 30  # a dark line around them


def test_true_objects_are_white() -> None:
    mask = np.zeros((1, 200, 300), dtype=np.int32)
    mask[0, 40:160, 50:150] = 1
    nothing = Mask(np.zeros_like(mask), ("cell",), instances=True)
    truth = Mask(mask, ("cell",), instances=True)
    drawn = outlined_pixels(grey(200, 300), nothing, truth, centre=(0, 0, 0), max_side=300)
    assert drawn[100, 50].tolist() == list(TRUTH)


def test_an_image_is_shown_smaller_with_its_objects() -> None:
    mask = np.zeros((1, 400, 600), dtype=np.int32)
    mask[0, 100:300, 100:300] = 1
    drawn = outlined_pixels(grey(400, 600), Mask(mask, ("cell",), instances=True), centre=(0, 0, 0), max_side=300)
    assert drawn.shape == (200, 300, 3)
    assert tuple(drawn[100, 50].tolist()) in COLOURS


def test_planes_go_through_a_tumour_and_not_through_the_middle_of_its_organ() -> None:
    labels = np.zeros((20, 40, 40), dtype=np.uint8)
    labels[2:18, 5:35, 5:35] = 1
    labels[4:6, 8:12, 28:33] = 2
    place = middle_of(Mask(labels, ("liver", "tumour")))
    assert labels[place] == 2
    beside = np.where(labels == 2, 0, labels)
    beside[0:3, 0:3, 0:3] = 2
    assert beside[middle_of(Mask(beside, ("liver", "spleen")))] == 1  # none lies within the other's bounds


def test_the_place_is_one_that_is_labelled_even_of_a_ring() -> None:
    rows, columns = np.mgrid[:40, :40]
    away = np.hypot(rows - 20, columns - 20)
    ring = np.repeat(((away < 18) & (away > 12)).astype(np.uint8)[None], 3, axis=0)
    assert ring[middle_of(Mask(ring, ("wall",)))] == 1
    assert middle_of(Mask(np.zeros_like(ring), ("wall",))) == (1, 20, 20)


def test_planes_of_a_volume_are_of_one_scale() -> None:
    image = Image(np.full((1, 10, 40, 60), 90, dtype=np.uint8), np.diag([5.0, 1, 1, 1]), spacing_kind="patient")
    nothing = Mask(np.zeros((10, 40, 60), dtype=np.uint8), ("cell",))
    drawn = outlined_pixels(image, nothing, centre=(5, 20, 30), max_side=300)
    assert drawn.shape == (250 + 6 + 250, 300 + 6 + 300, 3)  # five pixels a millimetre: 200 × 300, 250 × 300, 250 × 200
    assert (drawn[153:353, :300] == 90).all() and not drawn[:153, :300].any()
