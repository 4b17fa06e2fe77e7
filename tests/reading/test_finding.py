"""Groups of images are looked at side by side, one after the other in front of the networks, and none is mixed up."""

from __future__ import annotations

import time
from threading import Event
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
        classes=("no lesion", "lesion"),
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


class Networks:
    """Counts those who are in front of them at once."""

    def __init__(self) -> None:
        self.within, self.most, self.calls, self.fail = 0, 0, 0, False
        self.again = Event()

    def __call__(self, images: FloatArray) -> FloatArray:
        self.calls += 1
        self.within += 1
        self.most = max(self.most, self.within)
        if self.fail:
            raise MemoryError
        if self.calls == 2:
            self.again.set()
        time.sleep(0.002)
        self.within -= 1
        return images.reshape(len(images), -1).copy()


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize(("tile", "flip_axes"), [((), ()), ((), (1,)), ((16, 16), (0, 1))])
def test_each_image_has_its_own_findings_in_order(
    explain: bool, tile: tuple[int, ...], flip_axes: tuple[int, ...]
) -> None:
    brightness = torch.linspace(0.99, 0.01, 3 * TOGETHER + 1)
    images = brightness.reshape(-1, 1, 1, 1).expand(-1, 1, *SHAPE).contiguous()
    networks = Networks()

    seen = found_on(
        images, cast("Flat", AsBright(tile or SHAPE)), networks, plan(tile), flip_axes=flip_axes, explain=explain
    )

    np.testing.assert_allclose([float(found.scores[0]) for found, _ in seen], brightness, atol=1e-6)
    assert networks.most == 1
    for (_, heat), image in zip(seen, images, strict=True):
        assert (heat is not None) is explain
        if heat is not None:
            np.testing.assert_allclose(heat, image[0], atol=1e-6)


def test_one_group_is_judged_while_the_networks_are_computed_for_another() -> None:
    networks, waited = Networks(), []

    class Waiting(AsBright):
        def found(self, rows: Tensor) -> list[list[Found]]:
            waited.append(networks.again.wait(timeout=20))
            return super().found(rows)

    seen = found_on(torch.rand(2 * TOGETHER, 1, *SHAPE), cast("Flat", Waiting()), networks, plan())

    assert len(seen) == 2 * TOGETHER and waited == [True, True]


def test_what_networks_refuse_is_said_and_no_more_groups_are_shown_to_them() -> None:
    networks = Networks()
    networks.fail = True

    with pytest.raises(MemoryError):
        found_on(torch.zeros(20 * TOGETHER, 1, *SHAPE), cast("Flat", AsBright()), networks, plan())

    assert networks.calls < 10
