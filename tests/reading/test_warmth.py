"""The heat of networks that look for places lies where they looked, in whatever tiles and mirrored copies."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from hounsfield.networks.flat import Flat
from hounsfield.networks.heatmap import HeatMap
from hounsfield.networks.landmarks import numbers_for
from hounsfield.networks.residual import ResidualNet
from hounsfield.plan import Detection, Input, Plan, ResidualChoice
from hounsfield.plan.network_choices import CentreChoice
from hounsfield.reading.warmth import Warmth, heat_of_landmarks
from hounsfield.tasks.detection import Findings
from hounsfield.tasks.find import find
from hounsfield.tasks.tiles import in_tiles

pytestmark = pytest.mark.usefixtures("one_thread")


class AsShown:
    """Networks to which each place is as warm as it is bright, and that find nothing."""

    def warmth(self, rows: Tensor) -> Tensor:
        return rows[:, 0]


@pytest.mark.parametrize("shape", [(24, 40), (6, 24, 40)])
@pytest.mark.parametrize("tiled", [False, True])
def test_tiles_and_copies_are_put_back_where_they_were(shape: tuple[int, ...], tiled: bool) -> None:
    tile = (*shape[:-2], 16, 24) if tiled else ()
    plan = Plan(
        task="detection",
        dataset="",
        classes=("no lesion", "lesion"),
        input=Input(shape=shape),
        network=CentreChoice(encoder=ResidualChoice(widths=(4, 4), blocks=(1, 1)), stride=2),
        detection=Detection(kinds=("lesion",), positive=("lesion",), tile=tile),
    )
    images = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    axes = tuple(range(len(shape)))[-2:]
    warmth = Warmth(cast("Flat", AsShown()), plan, axes)

    def look(shown: Tensor) -> list[list[object]]:
        from hounsfield.networks.found import Found

        warmth.add(shown)
        return [[Found(torch.zeros(0, 2 * len(shape)), torch.zeros(0, 1)) for _ in shown]]

    found = find(in_tiles(look, tile, most=5) if tiled else look, images, flip_axes=axes, overlap=0.5, most=5)  # type: ignore[arg-type]
    heats = warmth.heats()

    assert all(isinstance(one, Findings) for one in found)
    torch.testing.assert_close(torch.from_numpy(heats[0]), images[0, 0])
    torch.testing.assert_close(torch.from_numpy(heats[1]), images[1, 0])


def test_the_heat_of_landmarks_is_1_at_the_likeliest_place_of_each() -> None:
    encoder = ResidualNet(dims=2, channels=1, outputs=2, widths=(8, 16), blocks=(1, 1))
    network = HeatMap(dims=2, channels=1, outputs=numbers_for(2, 2), encoder=encoder, stride=1, width=8).eval()
    image = torch.rand(1, 16, 24, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        likeliest = network.heat(image[None])[0].flatten(1).argmax(dim=1)

    heat = heat_of_landmarks([network], image)

    assert heat is not None and heat.shape == (16, 24)
    assert heat.flat[likeliest.tolist()].tolist() == pytest.approx([1.0, 1.0])
    assert heat.min() >= 0 and heat.max() <= 1
    assert heat_of_landmarks([encoder], image) is None
