"""Windows and strides from the size and the spacing of the images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.plan.inputs import kind_of
from hounsfield.plan.outlining import outliner, strides_for


@pytest.mark.parametrize(
    ("sides", "spacing", "wanted"),
    [
        ((64, 64, 64), (1.0, 1.0, 1.0), ((2, 2, 2),) * 4),
        ((16, 128, 128), (4.0, 1.0, 1.0), ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2))),
        ((40, 56, 40), (1.0, 1.0, 1.0), ((2, 2, 2),) * 3),
        ((256, 256), (0.5, 0.5), ((2, 2),) * 5),
        ((5, 64, 64), (12.0, 1.0, 1.0), ((1, 2, 2),) * 4),
    ],
)
def test_axes_whose_voxels_lie_far_apart_wait_for_the_others(
    sides: tuple[int, ...], spacing: tuple[float, ...], wanted: tuple[tuple[int, ...], ...]
) -> None:
    strides = strides_for(sides, spacing)
    assert strides == wanted
    left = list(sides)
    for stride in strides:
        assert all(side % step == 0 for side, step in zip(left, stride, strict=True))
        left = [side // step for side, step in zip(left, stride, strict=True)]
    assert min(left) >= 4


def test_windows_show_all_of_most_small_volumes_and_parts_of_large_ones(tiny_dataset: Dataset) -> None:
    found = make_fingerprint(tiny_dataset)
    small = replace(found, planar=False, shape_median=(36, 50, 35), shape_max=(47, 59, 43), spacing_mm=(1.0,) * 3)
    kind = kind_of(small, modality="MR", cropped=False, filters=False)
    assert outliner(small, None).sides(small, kind) == [(40, 56, 40)]
    large = replace(small, shape_median=(120, 512, 512), shape_max=(300, 512, 512), spacing_mm=(5.0, 0.8, 0.8))
    windows = outliner(large, None).sides(large, kind)
    assert windows[0] == (32, 160, 160)  # 160 × 128 × 128 mm: as long along the slices as in them
    assert len(windows) > 3
