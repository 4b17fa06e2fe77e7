"""Groups of images are looked at one after the other, and none is mixed up."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from hounsfield.arrays import FloatArray
from hounsfield.networks.flat import Flat
from hounsfield.networks.found import Found
from hounsfield.plan import Detection, Input, Plan, ResidualChoice
from hounsfield.plan.network_choices import CentreChoice
from hounsfield.reading.finding import TOGETHER, found_on

SHAPE = (16, 24)


def plan(tile: tuple[int, ...] = ()) -> Plan:
    return Plan(
        task="detection",
        dataset="",
        classes=("no finding", "any finding"),
        input=Input(shape=SHAPE),
        network=CentreChoice(encoder=ResidualChoice(widths=(4, 4), blocks=(1, 1)), stride=2),
        detection=Detection(kinds=("lesion",), positive=("lesion",), tile=tile),
    )


class AsBright:
    """Finds one lesion on each image or tile, as sure as it is bright, which is also how warm it is."""

    def __init__(self, shape: tuple[int, ...] = SHAPE) -> None:
        self.shape = shape

    def found(self, rows: Tensor) -> list[list[Found]]:
        all_of_it = torch.tensor([[0.0, 0.0, self.shape[1], self.shape[0]]])
        return [[Found(all_of_it, row.mean().reshape(1, 1)) for row in rows]]

    def warmth(self, rows: Tensor) -> Tensor:
        return rows.reshape(-1, *self.shape)


def as_rows(images: FloatArray) -> FloatArray:
    """What networks gave for images: their pixels."""
    return images.reshape(len(images), -1).copy()


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize(("tile", "flip_axes"), [((), ()), ((), (1,)), ((16, 16), (0, 1))])
def test_each_image_has_its_own_findings_in_order(
    explain: bool, tile: tuple[int, ...], flip_axes: tuple[int, ...]
) -> None:
    brightness = torch.linspace(0.99, 0.01, 3 * TOGETHER + 1)
    images = brightness.reshape(-1, 1, 1, 1).expand(-1, 1, *SHAPE).contiguous()
    seen = found_on(
        images, cast("Flat", AsBright(tile or SHAPE)), as_rows, plan(tile), flip_axes=flip_axes, explain=explain
    )

    np.testing.assert_allclose([float(found.scores[0]) for found, _ in seen], brightness, atol=1e-6)
    for (_, heat), image in zip(seen, images, strict=True):
        assert (heat is not None) is explain
        if heat is not None:
            np.testing.assert_allclose(heat, image[0], atol=1e-6)


def test_what_networks_refuse_is_said_and_no_more_groups_are_shown_to_them() -> None:
    calls = []

    def refuse(images: FloatArray) -> FloatArray:
        calls.append(len(images))
        raise MemoryError

    with pytest.raises(MemoryError):
        found_on(torch.zeros(20 * TOGETHER, 1, *SHAPE), cast("Flat", AsBright()), refuse, plan())

    assert calls == [TOGETHER]
