"""Groups of images are looked at side by side, one after the other in front of the networks, and none is mixed up."""

from __future__ import annotations

import time
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
PLAN = Plan(
    task="detection",
    dataset="",
    classes=("no lesion", "lesion"),
    input=Input(shape=SHAPE),
    network=CentreChoice(encoder=ResidualChoice(widths=(4, 4), blocks=(1, 1)), stride=2),
    detection=Detection(kinds=("lesion",), positive=("lesion",)),
)


class AsBright:
    """Finds one lesion on each image, as sure as the image is bright, which is also how warm it is."""

    def found(self, rows: Tensor) -> list[list[Found]]:
        time.sleep(0.01 if float(rows[0].mean()) > 0.5 else 0)  # the groups are not done in their order
        return [[Found(torch.tensor([[2.0, 2.0, 8.0, 8.0]]), row.mean().reshape(1, 1)) for row in rows]]

    def warmth(self, rows: Tensor) -> Tensor:
        return rows.reshape(-1, *SHAPE)


class Networks:
    """Counts those who are in front of them at once."""

    def __init__(self) -> None:
        self.within, self.most, self.fail = 0, 0, False

    def __call__(self, images: FloatArray) -> FloatArray:
        self.within += 1
        self.most = max(self.most, self.within)
        if self.fail:
            raise MemoryError
        time.sleep(0.002)
        self.within -= 1
        return images.reshape(len(images), -1).copy()


@pytest.mark.parametrize("explain", [False, True])
def test_each_image_has_its_own_findings_in_order(explain: bool) -> None:
    count = 3 * TOGETHER + 1
    brightness = torch.linspace(0.99, 0.01, count)
    images = brightness.reshape(-1, 1, 1, 1).expand(-1, 1, *SHAPE).contiguous()
    networks = Networks()

    seen = found_on(images, cast("Flat", AsBright()), networks, PLAN, explain=explain)

    np.testing.assert_allclose([float(found.scores[0]) for found, _ in seen], brightness, atol=1e-6)
    assert networks.most == 1
    for (_, heat), image in zip(seen, images, strict=True):
        assert (heat is not None) is explain
        if heat is not None:
            np.testing.assert_allclose(heat, image[0], atol=1e-6)


def test_what_networks_refuse_is_said() -> None:
    networks = Networks()
    networks.fail = True

    with pytest.raises(MemoryError):
        found_on(torch.zeros(9, 1, *SHAPE), cast("Flat", AsBright()), networks, PLAN)
