"""What a segmentation is worth on one image, by hand and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.arrays import IntArray
from hounsfield.errors import ShapeError
from hounsfield.evaluation.evidence import OutlinedLabel
from hounsfield.evaluation.outlines import compare_outline
from hounsfield.evaluation.surface_distance import surface_distances
from hounsfield.image import Mask

LABELS = ("liver", "tumour", "spleen")
NUMBERS = ((1,), (2,), (3,))


def two_cubes() -> tuple[IntArray, IntArray]:
    truth = np.zeros((10, 20, 20), dtype=np.uint8)
    truth[2:8, 2:12, 2:12] = 1
    truth[3:5, 4:6, 4:6] = 2
    truth[6:7, 8:10, 8:10] = 2
    found = np.zeros_like(truth)
    found[2:8, 3:12, 2:12] = 1
    found[3:5, 4:6, 4:6] = 2
    found[0:2, 17:19, 17:19] = 2
    return found, truth


def compared(
    found: IntArray, truth: IntArray, spacing: tuple[float, ...] = (2.0, 1.0, 1.0), unlabelled: int = 0
) -> tuple[OutlinedLabel, ...]:
    return compare_outline(Mask(found, LABELS), truth, NUMBERS, spacing, tolerance=1.0, unlabelled=unlabelled).labels


def test_overlap_volume_and_lesions_by_hand() -> None:
    liver, tumour, spleen = compared(*two_cubes())
    assert tumour.dice == pytest.approx(2 * 8 / (16 + 12))
    assert (tumour.volume, tumour.found_volume) == (24.0, 32.0)
    assert (tumour.lesions, tumour.lesions_found, tumour.false_lesions) == (2, 1, 1)
    assert liver.dice == pytest.approx(2 * 528 / (588 + 532))  # the second tumour was called liver
    assert (spleen.dice, spleen.surface_dice, spleen.hausdorff, spleen.volume) == (1.0, 1.0, None, 0.0)


def test_distances_are_those_of_the_whole_image() -> None:
    found, truth = two_cubes()
    _, tumour, _ = compared(found, truth)
    whole = surface_distances(found == 2, truth == 2, (2.0, 1.0, 1.0))
    assert tumour.hausdorff == pytest.approx(whole.hausdorff(95))
    assert tumour.surface_distance == pytest.approx(whole.mean)
    assert tumour.surface_dice == pytest.approx(whole.surface_dice(1.0))


def test_regions_that_hold_others_are_measured_as_one() -> None:
    found, truth = two_cubes()
    bits = ((found > 0).astype(np.uint8) + 2 * (found == 2)).astype(np.uint8)
    outline = Mask(bits, ("whole", "tumour"), exclusive=False)
    whole, tumour = compare_outline(outline, truth, ((1, 2), (2,)), (2.0, 1.0, 1.0), tolerance=1.0).labels
    assert whole.volume == 600 * 2
    assert whole.dice == pytest.approx(2 * 540 / (600 + 540 + 8))
    assert tumour == compared(found, truth)[1]


def test_what_is_only_on_one_of_both_has_no_distance() -> None:
    found, truth = two_cubes()
    _, tumour, _ = compared(np.zeros_like(found), truth)
    assert (tumour.dice, tumour.surface_dice, tumour.hausdorff, tumour.surface_distance) == (0.0, 0.0, None, None)
    assert (tumour.lesions, tumour.lesions_found) == (2, 0)


def test_nothing_counts_where_nobody_knows() -> None:
    found, truth = two_cubes()
    truth[0:2] = 255
    _, tumour, _ = compared(found, truth, unlabelled=255)
    assert tumour.false_lesions == 0
    assert tumour.dice == pytest.approx(2 * 8 / (8 + 12))


def test_a_flat_image_is_measured_in_its_plane() -> None:
    truth = np.zeros((1, 20, 20), dtype=np.uint8)
    truth[0, 5:10, 5:10] = 1
    found = np.zeros_like(truth)
    found[0, 5:10, 8:13] = 1
    outline = Mask(found, ("label 1",))
    (label,) = compare_outline(outline, truth, ((1,),), (7.0, 0.5, 0.5), tolerance=0.5).labels
    assert label.volume == 25 * 0.25
    assert label.hausdorff == pytest.approx(1.5)


def test_masks_of_other_shapes_are_refused() -> None:
    outline = Mask(np.zeros((1, 2, 2), dtype=np.uint8), ("label 1",))
    with pytest.raises(ShapeError, match="cannot be compared"):
        compare_outline(outline, np.zeros((1, 2, 3), dtype=np.uint8), ((1,),), (), tolerance=1.0)


def test_a_lesion_in_one_slice_of_a_volume_is_measured_in_the_volume() -> None:
    truth = np.zeros((5, 20, 20), dtype=np.uint8)
    truth[2, 5:10, 5:10] = 1
    (lesion,) = compare_outline(Mask(truth, ("lesion",)), truth, ((1,),), (5.0, 1.0, 1.0), tolerance=1.0).labels
    assert lesion.volume == 125.0
