"""Windows and strides from the size and the spacing of the images."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hounsfield.datasets.segmentation import MOST_NUMBERS, MOST_OVERLAPPING
from hounsfield.plan import Segmentation
from hounsfield.plan.outlining import strides_for


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


@pytest.mark.parametrize(("most", "shared"), [(MOST_NUMBERS, ()), (MOST_OVERLAPPING, (200,))])
def test_a_plan_takes_as_many_labels_as_can_be_told_apart_and_no_more(most: int, shared: tuple[int, ...]) -> None:
    def section(count: int) -> Segmentation:
        names = tuple(f"label {n}" for n in range(1, count + 1))
        return Segmentation(labels=names, numbers=tuple((n, *shared) for n in range(1, count + 1)))

    assert len(section(most).labels) == most
    with pytest.raises(ValidationError, match=f"{most + 1} segmentation.labels with [0-9]+ numbers are too many"):
        section(most + 1)
