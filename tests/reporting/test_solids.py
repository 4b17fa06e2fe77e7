"""Labels as solids, and which of them are of glass."""

from __future__ import annotations

import numpy as np
import pytest

from hounsfield.image import Mask
from hounsfield.reporting import solids as module
from hounsfield.reporting.planes import COLOURS
from hounsfield.reporting.solids import HOLDING, blocks_for, solids_of_mask

AFFINE = np.diag([1.0, 1, 1, 1])


def densities(mask: Mask, finest_mm: float = 1.0) -> list[float]:
    return [solid.density for solid in solids_of_mask(mask, AFFINE, COLOURS, finest_mm=finest_mm)]


def liver_and_tumour() -> np.ndarray:
    labels = np.zeros((20, 30, 30), dtype=np.uint8)
    labels[2:18, 4:26, 4:26] = 1
    labels[8:12, 10:14, 10:14] = 2
    return labels


@pytest.mark.parametrize("finest_mm", [1.0, 2.0])
def test_what_holds_another_label_is_of_glass(finest_mm: float) -> None:
    assert densities(Mask(liver_and_tumour(), ("liver", "tumour")), finest_mm) == [HOLDING, 1.0]


def test_it_is_so_where_labels_overlap_too() -> None:
    labels = np.where(liver_and_tumour() == 2, 3, liver_and_tumour()).astype(np.uint8)
    assert densities(Mask(labels, ("liver", "tumour"), exclusive=False)) == [HOLDING, 1.0]


def test_what_goes_around_another_in_each_slice_is_of_glass() -> None:
    labels = np.zeros((20, 40, 40), dtype=np.uint8)
    labels[:, 2:38, 2:38] = 1
    labels[:, 4:36, 4:36] = 0  # skin
    labels[8:12, 18:22, 18:22] = 2
    assert densities(Mask(labels, ("skin", "tumour"))) == [HOLDING, 1.0]


def test_neighbours_hide_each_other() -> None:
    labels = np.zeros((20, 30, 30), dtype=np.uint8)
    labels[2:18, 4:26, 4:15], labels[2:18, 4:26, 15:26] = 1, 2
    assert densities(Mask(labels, ("one", "other"))) == [1.0, 1.0]


def test_surfaces_lie_where_labels_do_on_finer_and_coarser_voxels() -> None:
    labels = np.zeros((21, 31, 33), dtype=np.uint8)
    labels[5:17, 9:23, 11:27] = 2
    affine = np.array([[0, 0, 0.8, 5], [0, 0.8, 0, 6], [2.0, 0, 0, 7], [0, 0, 0, 1]])
    (solid,) = solids_of_mask(Mask(labels, ("one", "other")), affine, COLOURS, finest_mm=0.1)
    (coarse,) = solids_of_mask(Mask(labels, ("one", "other")), affine, COLOURS, finest_mm=2.0)
    assert solid.colour == COLOURS[1]
    low, high = (
        np.array([5 + 0.8 * 10.5, 6 + 0.8 * 8.5, 7 + 2 * 4.5]),
        np.array([5 + 0.8 * 26.5, 6 + 0.8 * 22.5, 7 + 2 * 16.5]),
    )
    for found, room in ((solid, 0.1), (coarse, 1.1)):
        assert found.net.points_mm.min(axis=0) == pytest.approx(low, abs=room)
        assert found.net.points_mm.max(axis=0) == pytest.approx(high, abs=room)


def test_objects_have_the_colours_of_their_numbers() -> None:
    labels = np.zeros((10, 20, 20), dtype=np.int32)
    labels[2:5, 2:8, 2:8], labels[2:5, 10:16, 10:16], labels[6:9, 2:8, 2:8] = 7, 8, 70_007
    solids = solids_of_mask(Mask(labels, ("cell",), instances=True), AFFINE, COLOURS, finest_mm=1.0)
    assert sorted(solid.colour for solid in solids) == sorted({COLOURS[0], COLOURS[1], COLOURS[70_007 % 7]})


def test_what_is_small_is_drawn_as_fine_in_a_large_volume_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_VOXELS", 10_000)
    labels = np.zeros((60, 80, 80), dtype=np.uint8)
    labels[31:41, 22:34, 22:34] = 1
    for mask in (
        Mask(labels, ("one",)),
        Mask(labels, ("one",), exclusive=False),
        Mask(labels, ("one",), instances=True),
    ):
        (solid,) = solids_of_mask(mask, AFFINE, COLOURS, finest_mm=0.5)
        low, high = solid.net.points_mm.min(axis=0), solid.net.points_mm.max(axis=0)
        assert low == pytest.approx([30.5, 21.5, 21.5], abs=0.3) and high == pytest.approx([40.5, 33.5, 33.5], abs=0.3)


def test_of_nothing_there_are_no_solids() -> None:
    assert solids_of_mask(Mask(np.zeros((4, 5, 6), dtype=np.uint8), ("one",)), AFFINE, COLOURS, finest_mm=1.0) == []


def test_large_solids_are_looked_at_in_few_voxels_as_deep_as_wide() -> None:
    blocks = blocks_for((300, 512, 512), np.diag([1.0, 0.8, 0.8, 1.0]), 0.5)
    assert blocks == (3, 3, 3)
    assert blocks_for((30, 512, 512), np.diag([5.0, 0.8, 0.8, 1.0]), 1.6) == (1, 2, 2)
