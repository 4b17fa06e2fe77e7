"""Integrated gradients against their axiom, occlusion against a covering by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hounsfield.networks.beside_table import BesideTable, with_table
from hounsfield.networks.convnet import ConvNet
from hounsfield.reading.explain import METHODS, explain, explainable, integrated_gradients, occlusion
from hounsfield.reading.explain.integrated_gradients import attributions
from hounsfield.reading.explain.lead import lead


class BrightestQuarter(torch.nn.Module):
    """The second class by as much as the upper left quarter is bright."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[-2:]
        value = images[:, 0, : height // 2, : width // 2].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(value), value], dim=1)


@pytest.mark.parametrize("dims", [2, 3])
def test_attributions_sum_to_what_the_image_adds(dims: int) -> None:
    torch.manual_seed(0)
    network = ConvNet(dims=dims, channels=1, outputs=3, widths=(4, 6), pool_after=(1,)).eval()  # type: ignore[arg-type]
    images = torch.rand(2, 1, *([8, 12, 16][3 - dims :]))
    added = attributions(network, images, output=2, steps=400).flatten(1).sum(dim=1)
    with torch.no_grad():
        expected = lead(network(images), 2) - lead(network(torch.zeros_like(images)), 2)
    np.testing.assert_allclose(added, expected, atol=0.02 * float(expected.abs().max()) + 1e-4)


def test_integrated_gradients_are_hot_where_the_answer_looks_and_the_image_is_bright() -> None:
    image = torch.zeros(1, 1, 64, 64)
    image[0, 0, 8:16, 8:16] = 1  # looked at
    image[0, 0, 40:48, 40:48] = 1  # not looked at
    heat = integrated_gradients([BrightestQuarter()], image, output=1)[0]
    assert heat.max() == pytest.approx(1)
    assert 8 <= np.unravel_index(heat.argmax(), heat.shape)[0] < 16
    assert heat[40:48, 40:48].max() < 1e-3


def test_covering_what_is_looked_at_loses_the_answer() -> None:
    image = torch.zeros(1, 1, 48, 48)
    image[0, 0, 8:16, 8:16] = 1
    heat = occlusion([BrightestQuarter()], image, output=1)[0]
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 4 <= row < 20 and 4 <= column < 20
    assert heat[30:, 30:].max() == 0


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_of_several_views_each_has_its_heat(method: str) -> None:
    image = torch.rand(1, 2, 48, 48)
    heat = explain(method, [BrightestQuarter()], image, output=1, views=2)  # type: ignore[arg-type]
    assert heat.shape == (1, 2, 48, 48)
    assert heat[0, 1].max() < 1e-6 < heat[0, 0].max()  # only the first view is looked at


def test_a_network_that_shows_no_maps_is_explained_by_its_images_only() -> None:
    able = [name for name in METHODS if explainable([BrightestQuarter()], name)]
    assert able == ["integrated_gradients", "occlusion"]


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_a_table_beside_an_image_is_no_place_in_it(method: str) -> None:
    torch.manual_seed(0)
    image = ConvNet(dims=2, channels=1, outputs=2, widths=(4, 6), pool_after=(1,))
    network = BesideTable(image=image, columns=2, outputs=2).eval()
    images, rows = torch.rand(1, 1, 48, 48), torch.tensor([[3.0, float("nan")]])
    heat = explain(method, [network], with_table(images, rows), output=1, channels=1)[0]  # type: ignore[arg-type]
    assert np.isfinite(heat).all() and heat.max() == pytest.approx(1)
    added = attributions(network, with_table(images, rows), output=1, steps=200, channels=1)
    with torch.no_grad():
        expected = lead(network(with_table(images, rows)), 1) - lead(network(with_table(0 * images, rows)), 1)
    assert float(added.sum()) == pytest.approx(float(expected), abs=0.02)


class ThirdView(torch.nn.Module):
    """Sure of the second class where the third of four views is bright, whatever stands behind them."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        value = images[:, 2].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(value), value], dim=1)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_many_columns_behind_the_views_do_not_move_the_heat_to_another(method: str) -> None:
    images = torch.rand(1, 4 + 5, 48, 48)
    heat = explain(method, [ThirdView()], images, output=1, views=4, channels=1)[0]  # type: ignore[arg-type]
    assert [bool(view.max() > 1e-6) for view in heat] == [False, False, True, False]
