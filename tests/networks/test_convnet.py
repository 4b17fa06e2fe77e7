"""The convolutional network, flat and in volumes."""

from typing import Literal

import pytest
import torch

from hounsfield.errors import ShapeError, UnknownNameError
from hounsfield.networks.build import build, build_from
from hounsfield.networks.convnet import ConvNet

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(("dims", "side"), [(2, 64), (3, 32)])
def test_one_definition_makes_the_flat_network_and_the_one_for_volumes(dims: Literal[2, 3], side: int) -> None:
    network = ConvNet(dims=dims, channels=3, outputs=4, widths=(2, 3, 4, 5, 6)).eval()
    images = torch.zeros(2, 3, *[side] * dims)
    assert network.feature_maps(images).shape == (2, 6, *[side // 32] * dims)
    assert network(images).shape == (2, 4)
    convolutions = [layer for layer in network.features if isinstance(layer, torch.nn.Conv2d | torch.nn.Conv3d)]
    assert len(convolutions) == 5
    assert {layer.kernel_size for layer in convolutions} == {(3,) * dims}


def test_images_of_any_size_and_of_unequal_sides_are_answered() -> None:
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(2, 2), pool_after=(2,)).eval()
    assert network(torch.zeros(1, 1, 2, 2)).shape == (1, 2)
    assert network(torch.zeros(1, 1, 31, 50)).shape == (1, 2)


def test_a_network_of_one_layer_by_hand() -> None:
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(1,), pool_after=(1,)).eval()
    with torch.no_grad():
        network.features[0].weight.zero_()
        network.features[0].weight[0, 0, 1, 1] = 2.0  # doubles every pixel
        network.answer.weight.copy_(torch.tensor([[1.0], [-3.0]]))
        network.answer.bias.copy_(torch.tensor([0.0, 1.0]))
    image = torch.tensor([[[[1.0, 2.0, 0.0, -1.0], [3.0, 4.0, -1.0, -2.0]]]])
    # doubled: 2 4 | 0 -2 ; 6 8 | -2 -4 → largest of each square: 8, 0 → normalised by running mean 0 and variance 1:
    # the same but for the 1e-5 beside the variance → rectified 8, 0 → mean 4 → answers 4 and 1 - 12
    assert network.feature_maps(image).flatten().tolist() == pytest.approx([8, 0], rel=1e-4)
    assert network(image)[0].tolist() == pytest.approx([4, -11], rel=1e-4)


def test_pooling_first_is_the_usual_order_of_rectifier_and_pooling() -> None:
    # a maximum commutes with a normalisation of positive scale and with a rectifier
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(4,), pool_after=(1,)).eval()
    convolution, pooling, normalisation, rectifier = network.features
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    usual = pooling(rectifier(normalisation(convolution(images))))
    torch.testing.assert_close(network.feature_maps(images), usual)


@pytest.mark.parametrize("shape", [(1, 1, 8), (1, 1, 8, 8, 8), (1, 1, 8, 3), (1, 3, 8, 8)])
def test_images_that_do_not_fit_are_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(2, 2), pool_after=(1, 2))
    with pytest.raises(ShapeError) as caught:
        network(torch.zeros(shape))
    assert str(caught.value) == (
        f"the network takes 2-D images of at least 4 pixels a side as (N, 1, …), not {tuple(shape)}"
    )


def test_pooling_after_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"pool_after names layers \(1, 3\); the network has layers 1 to 2"):
        ConvNet(dims=2, channels=1, outputs=2, widths=(2, 2), pool_after=(1, 3))


def test_four_images_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 1, 16, 16)
    targets = torch.tensor([0, 1, 1, 0])
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(8, 8, 8, 8, 8), pool_after=(1, 3), dropout=0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.02
    assert network.eval()(images).argmax(dim=1).tolist() == targets.tolist()


def test_a_network_is_built_from_the_words_of_a_plan() -> None:
    choices = {"name": "convnet", "widths": (2, 3), "pool_after": (1,), "dropout": 0.5}
    network = build_from(choices, dims=3, channels=2, outputs=5)
    assert isinstance(network, ConvNet)
    assert network.answer.out_features == 5
    assert network.dropout.p == 0.5


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown network 'resnet9000'; known: .*convnet"):
        build("resnet9000")
