"""What a segmentation is worth on one image, by hand and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.errors import ShapeError
from hounsfield.evaluation.outlines import compare_labels
from hounsfield.evaluation.surface_distance import surface_distances

LABELS = {"liver": (1,), "tumour": (2,), "all": (1, 2), "spleen": (3,)}


def two_cubes() -> tuple[np.ndarray, np.ndarray]:
    truth = np.zeros((10, 20, 20), dtype=np.uint8)
    truth[2:8, 2:12, 2:12] = 1
    truth[3:5, 4:6, 4:6] = 2
    truth[6:7, 8:10, 8:10] = 2
    found = np.zeros_like(truth)
    found[2:8, 3:12, 2:12] = 1
    found[3:5, 4:6, 4:6] = 2
    found[0:2, 17:19, 17:19] = 2
    return found, truth


def test_overlap_volume_and_lesions_by_hand() -> None:
    found, truth = two_cubes()
    liver, tumour, whole, spleen = compare_labels(found, truth, LABELS, (2.0, 1.0, 1.0), tolerance=1.0)
    assert tumour.dice == pytest.approx(2 * 8 / (16 + 12))
    assert (tumour.volume, tumour.found_volume) == (24.0, 32.0)
    assert (tumour.lesions, tumour.lesions_found, tumour.false_lesions) == (2, 1, 1)
    assert whole.volume == 600 * 2
    assert whole.dice == pytest.approx(2 * 540 / (600 + 540 + 8))
    assert liver.dice == pytest.approx(2 * 528 / (588 + 532))  # the second tumour was called liver
    assert (spleen.dice, spleen.surface_dice, spleen.hausdorff, spleen.volume) == (1.0, 1.0, None, 0.0)


def test_distances_are_those_of_the_whole_image() -> None:
    found, truth = two_cubes()
    (tumour,) = compare_labels(found, truth, {"tumour": (2,)}, (2.0, 1.0, 1.0), tolerance=1.0)
    whole = surface_distances(found == 2, truth == 2, (2.0, 1.0, 1.0))
    assert tumour.hausdorff == pytest.approx(whole.hausdorff(95))
    assert tumour.surface_distance == pytest.approx(whole.mean)
    assert tumour.surface_dice == pytest.approx(whole.surface_dice(1.0))


def test_what_is_only_on_one_of_both_has_no_distance() -> None:
    found, truth = two_cubes()
    (tumour,) = compare_labels(np.zeros_like(found), truth, {"tumour": (2,)}, (1.0, 1.0, 1.0), tolerance=1.0)
    assert (tumour.dice, tumour.surface_dice, tumour.hausdorff, tumour.surface_distance) == (0.0, 0.0, None, None)
    assert (tumour.lesions, tumour.lesions_found) == (2, 0)


def test_nothing_counts_where_nobody_knows() -> None:
    found, truth = two_cubes()
    truth[0:2] = 255
    (tumour,) = compare_labels(found, truth, {"tumour": (2,)}, (1.0, 1.0, 1.0), tolerance=1.0, unlabelled=255)
    assert tumour.false_lesions == 0
    assert tumour.dice == pytest.approx(2 * 8 / (8 + 12))


def test_a_flat_image_is_measured_in_its_plane() -> None:
    truth = np.zeros((1, 20, 20), dtype=np.uint8)
    truth[0, 5:10, 5:10] = 1
    found = np.zeros_like(truth)
    found[0, 5:10, 8:13] = 1
    (label,) = compare_labels(found, truth, {"label 1": (1,)}, (7.0, 0.5, 0.5), tolerance=0.5)
    assert label.volume == 25 * 0.25
    assert label.hausdorff == pytest.approx(1.5)


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="cannot be compared"):
        compare_labels(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)), LABELS, (1.0, 1.0, 1.0), tolerance=1.0)  # type: ignore[arg-type]
