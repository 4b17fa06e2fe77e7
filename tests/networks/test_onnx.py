"""ONNX: the same answers by ONNX Runtime for any number of images, and a sentence when it cannot be written."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from hounsfield.errors import ExportError, MissingExtraError
from hounsfield.networks.answering import Answering
from hounsfield.networks.convnet import ConvNet
from hounsfield.networks.onnx import onnx_bytes, with_weights_of


class Undecided(nn.Module):
    """Goes one of two ways by the values it is given, which no graph can hold."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) if bool(images.sum() > 0) else -images.flatten(1)


@pytest.mark.parametrize("dims", [2, 3])
def test_any_number_of_images_is_answered_as_by_torch(dims: int, capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    networks = [ConvNet(dims=dims, channels=2, outputs=2, widths=(4, 8), pool_after=(1, 2)).eval() for _ in range(2)]  # type: ignore[arg-type]
    answering = Answering(networks, flip_axes=(dims - 1,)).eval()
    content = onnx_bytes(answering, input_shape=(2, *([12] * dims)), output="logits")
    assert capfd.readouterr() == ("", "")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for count in (1, 2, 5):
        images = np.random.default_rng(count).normal(size=(count, 2, *([12] * dims))).astype(np.float32)
        (found,) = session.run(["logits"], {"images": images})
        with torch.no_grad():
            np.testing.assert_allclose(found, answering(torch.from_numpy(images)).numpy(), rtol=0, atol=1e-5)


def convnet(seed: int, *, pool_after: tuple[int, ...]) -> ConvNet:
    """Weights and running means of its own; a norm that follows its convolution is put into it on writing."""
    torch.manual_seed(seed)
    network = ConvNet(dims=2, channels=1, outputs=2, widths=(4, 8), pool_after=pool_after)
    for _ in range(1 + seed):
        network(torch.randn(8, 1, 12, 12))
    return network.eval()


def test_a_file_takes_the_weights_of_another_network_of_the_structure() -> None:
    one, other = (convnet(seed, pool_after=(1, 2)) for seed in (0, 1))
    content = with_weights_of(onnx_bytes(one, input_shape=(1, 12, 12)), one, other)
    assert content is not None
    images = torch.randn(3, 1, 12, 12)
    (found,) = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(
        None, {"images": images.numpy()}
    )
    with torch.no_grad():
        np.testing.assert_allclose(found, other(images).numpy(), rtol=0, atol=1e-5)
        assert np.abs(found - one(images).numpy()).max() > 0.01


class Everywhere(nn.Module):
    """Answers at each place, by a matrix that is turned on writing."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.place = nn.Linear(1, 3)

    def forward(self, images: Tensor) -> Tensor:
        places: Tensor = self.place(images.flatten(1)[..., None])
        return places.mean(dim=1)


def test_a_matrix_that_stands_turned_in_the_file_is_replaced_too() -> None:
    one, other = Everywhere(0).eval(), Everywhere(1).eval()
    written = onnx_bytes(one, input_shape=(1, 4, 4))
    assert "place.weight" not in {tensor.name for tensor in onnx.load_from_string(written).graph.initializer}
    content = with_weights_of(written, one, other)
    assert content is not None
    images = torch.randn(3, 1, 4, 4)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        np.testing.assert_allclose(
            session.run(None, {"images": images.numpy()})[0], other(images).numpy(), rtol=0, atol=1e-5
        )


class BothWays(nn.Module):
    """Uses its matrix as it stands, and once more where it is turned on writing."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.place = nn.Linear(16, 16, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        places = images.flatten(1)
        turned = self.place(places[:, None].expand(-1, 2, -1)).mean(dim=1)
        both: Tensor = turned + self.place(places).exp()
        return both


def test_of_a_matrix_that_stands_in_the_file_both_ways_none_is_put_in() -> None:
    one, other = BothWays(0).eval(), BothWays(1).eval()
    content = onnx_bytes(one, input_shape=(1, 4, 4))
    shapes = [tuple(tensor.dims) for tensor in onnx.load_from_string(content).graph.initializer]
    assert shapes.count((16, 16)) == 2
    assert with_weights_of(content, one, other) is None


class Folded(nn.Module):
    """Computes with its weight before anything is shown, which a writer may do once and for all."""

    def __init__(self, weight: float, size: int = 1) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((size,), weight))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) * (1 / self.get_buffer("weight"))


def test_weights_that_were_computed_with_or_are_of_another_shape_are_not_put_in() -> None:
    one, other = (convnet(seed, pool_after=(1,)) for seed in (0, 1))
    assert with_weights_of(onnx_bytes(one, input_shape=(1, 12, 12)), one, other) is None
    one = Folded(2.0).eval()
    content = onnx_bytes(one, input_shape=(1, 2, 2))
    assert with_weights_of(content, one, Folded(2.0).eval()) is not None
    assert with_weights_of(content, one, Folded(4.0).eval()) is None
    assert with_weights_of(content, one, Folded(2.0, size=4).eval()) is None
    assert with_weights_of(content, one, nn.Linear(4, 4)) is None


class Twice(nn.Module):
    """Two layers, of which the second may begin as the first."""

    def __init__(self, first: float, second: float) -> None:
        super().__init__()
        for name, value in (("first", first), ("second", second)):
            self.register_buffer(name, torch.full((1,), value))

    def forward(self, images: Tensor) -> Tensor:
        return (images.flatten(1) * self.get_buffer("first") + 1) * self.get_buffer("second")


def test_of_two_weights_that_were_one_in_the_file_neither_is_put_in() -> None:
    def written(first: float, second: float, other: Twice) -> bytes | None:
        network = Twice(first, second).eval()
        return with_weights_of(onnx_bytes(network, input_shape=(1, 2, 2)), network, other)

    assert written(2.0, 2.0, Twice(2.0, 3.0).eval()) is None
    assert written(2.0, 2.0, Twice(3.0, 2.0).eval()) is None
    assert written(2.0, 4.0, Twice(2.0, 3.0).eval()) is not None


def test_a_network_that_cannot_be_written_is_told_of() -> None:
    with pytest.raises(ExportError, match="torch cannot write this network as ONNX: "):
        onnx_bytes(Undecided().eval(), input_shape=(1, 4, 4))


def test_without_onnx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name))
    with pytest.raises(MissingExtraError, match=r"ONNX needs the package onnxscript: pip install 'hounsfield\[fast\]'"):
        onnx_bytes(nn.Identity(), input_shape=(1, 4, 4))
