"""Places on masks, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.datasets.landmarks import place_on, place_rule
from hounsfield.errors import DatasetError

EVEN = np.ones(3)


def mask() -> np.ndarray:
    """Label 1 is a bar of 2 × 3 × 10 voxels, label 2 a voxel beside its left end."""
    labels = np.zeros((6, 10, 20), dtype=np.int64)
    labels[2:4, 3:6, 5:15] = 1
    labels[2, 4, 3] = 2
    return labels


@pytest.mark.parametrize(
    ("words", "zyx"),
    [
        ("centroid 1", (3, 4.5, 10)),
        ("lowest 1", (3, 5.5, 10)),
        ("highest 1", (3, 3.5, 10)),
        ("leftmost 1", (3, 4.5, 5.5)),
        ("rightmost 1", (3, 4.5, 14.5)),
        ("first 1", (2.5, 4.5, 10)),
        ("last 1", (3.5, 4.5, 10)),
        ("end 1 from 2", (3.5, 4.5, 14.5)),
        ("centroid 2", (2.5, 4.5, 3.5)),
        ("leftmost 1+2", (2.5, 4.5, 3.5)),
        ("end 2+1 from 1", (2.5, 4.5, 3.5)),
    ],
)
def test_places_by_hand(words: str, zyx: tuple[float, float, float]) -> None:
    point = place_on(mask(), place_rule(words), EVEN, name="it")

    assert point is not None
    assert (point.z, point.y, point.x) == zyx
    assert point.label == "it"


def test_far_is_far_in_millimetres_and_of_many_voxels_the_mean_of_a_hundredth() -> None:
    labels = np.zeros((40, 40, 40), dtype=np.int64)
    labels[:, :, :20] = 1
    labels[20, 20, 30] = 2

    flat = place_on(labels, place_rule("end 1 from 2"), np.array([0.01, 0.01, 1.0]), name="")
    deep = place_on(labels, place_rule("first 1"), EVEN, name="")

    assert flat is not None and flat.x == pytest.approx(0.5)
    assert deep is not None and deep.z == pytest.approx(0.5)
    assert 0 < deep.x < 20


def test_a_label_that_is_not_there_gives_no_place() -> None:
    assert place_on(mask(), place_rule("centroid 7"), EVEN, name="") is None
    assert place_on(mask(), place_rule("end 1 from 7"), EVEN, name="") is None


@pytest.mark.parametrize("words", ["middle 1", "centroid", "end 1", "centroid one", "", "lowest 1 from 2"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(DatasetError, match='"centroid 1"'):
        place_rule(words)
