"""The recurrent network: shapes, who knows of which slice, and that it learns what one slice alone does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.build import build_from
from hounsfield.networks.onnx import onnx_bytes
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.recurrent import Recurrent
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.reading.runtimes.open_vino import OpenVino, read_network

pytestmark = pytest.mark.usefixtures("one_thread")


def recurrent(*, channels: int = 1, outputs: int = 3, **options: Any) -> Recurrent:
    torch.manual_seed(0)
    encoder = ResidualNet(dims=2, channels=channels, outputs=1, widths=(8, 16, 32), blocks=(1, 1, 1))
    network = Recurrent(dims=3, channels=channels, outputs=outputs, encoder=encoder, **{"width": 8, **options})
    return network


def remembering(network: Recurrent) -> Recurrent:
    """With what cells keep told aloud, as after some training."""
    for memory in network.memories:
        nn.init.normal_(memory.tell.weight, std=0.3)
    return network.eval()


@pytest.mark.parametrize("shape", [(4, 32, 32), (7, 33, 47), (1, 16, 20)])
@pytest.mark.parametrize("axes", ["slices", "volume"])
def test_every_voxel_of_a_volume_of_any_size_gets_an_answer(shape: tuple[int, ...], axes: str) -> None:
    network = recurrent(channels=2, axes=axes, cell="lstm").eval()
    assert network(torch.rand(2, 2, *shape)).shape == (2, 3, *shape)


@pytest.mark.parametrize("channels", [1, 2])
def test_slices_are_outlined_between_their_neighbours_whatever_looks_at_them(channels: int) -> None:
    encoder = {"name": "residual", "widths": (8, 16), "blocks": (1, 1)}
    choices = {"name": "recurrent", "encoder": encoder, "levels": 0}
    network = build_from(choices, dims=3, channels=channels, outputs=2).eval()
    volumes = torch.rand(1, channels, 5, 16, 16)
    said, changed = network(volumes), volumes.clone()
    changed[:, :, 1] += 1
    apart = (network(changed) - said).abs().amax(dim=(0, 1, 3, 4))
    assert (apart > 0).tolist() == [True, True, True, False, False]


def test_in_training_coarser_maps_answer_too_and_slices_stay_as_many() -> None:
    found = recurrent()(torch.rand(2, 1, 5, 32, 32), deep=True)
    assert [tuple(one.shape) for one in found] == [(2, 3, 5, 32, 32), (2, 3, 5, 16, 16)]
    network, volumes = recurrent().eval(), torch.rand(2, 1, 5, 32, 32)
    torch.testing.assert_close(network(volumes, deep=True)[0], network(volumes))
    with pytest.raises(TypeError, match="positional"):
        network(volumes, True)


def test_it_begins_as_a_unet_for_single_slices() -> None:
    network, volumes = recurrent(channels=2).eval(), torch.rand(2, 2, 4, 16, 16)
    alone = network.unet(volumes.transpose(1, 2).flatten(0, 1))
    torch.testing.assert_close(network(volumes), alone.unflatten(0, (2, 4)).transpose(1, 2))
    torch.testing.assert_close(recurrent(channels=2, levels=0).eval()(volumes), network(volumes))


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        ({}, True, True),
        ({"levels": 9}, True, True),
        ({"axes": "volume"}, True, True),
        ({"bidirectional": False}, False, True),
        ({"levels": 0}, False, False),
    ],
)
def test_a_slice_knows_of_those_it_is_told_of(options: dict[str, Any], first: bool, last: bool) -> None:
    network, volumes = remembering(recurrent(**options)), torch.rand(1, 1, 6, 16, 16)

    def heard(spoken: int, at: int) -> bool:
        other = volumes.clone()
        other[:, :, spoken] = 1 - other[:, :, spoken]
        return not torch.allclose(network(other)[:, :, at], network(volumes)[:, :, at], atol=1e-6)

    assert heard(5, at=0) is first
    assert heard(0, at=5) is last


def test_half_precision_says_nearly_the_same() -> None:
    network, volumes = remembering(recurrent(axes="volume", cell="lstm")), torch.rand(1, 1, 16, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        said = network(volumes)
    wanted = network(volumes)
    assert (said.float() - wanted).abs().max() < 0.05 * wanted.abs().max()


def test_cells_of_more_levels_go_through_finer_maps() -> None:
    shapes = [memory.tell.out_channels for memory in recurrent(levels=2).memories]
    assert shapes == [16, 32]


def test_a_pretrained_encoder_is_shown_each_grey_slice_between_its_neighbours() -> None:
    torch.manual_seed(0)
    encoder = Pretrained(dims=2, channels=3, outputs=1)
    network = Recurrent(dims=3, channels=1, outputs=2, encoder=encoder, finest=8, levels=0).eval()
    volumes = torch.rand(1, 1, 4, 40, 64)
    assert network(volumes).shape == (1, 2, 4, 40, 64)
    slices = [volumes[0, 0, [max(0, place - 1), place, min(3, place + 1)]] for place in range(4)]
    torch.testing.assert_close(network(volumes)[0].transpose(0, 1), network.unet(torch.stack(slices)))
    torch.testing.assert_close(
        network(volumes.contiguous(memory_format=torch.channels_last_3d)), network(volumes), atol=1e-5, rtol=1e-4
    )


def volumes_of_the_toy(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Discs, equal on all slices; what they are is said on the first slice alone, by its brightness elsewhere."""
    grid = torch.stack(torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij"))
    images, targets = torch.zeros(count, 1, 5, 16, 16), torch.zeros(count, 5, 16, 16, dtype=torch.long)
    for row in range(count):
        kind = row % 2
        middle = torch.randint(5, 11, (2,), generator=generator)
        disc = (grid - middle[:, None, None]).square().sum(dim=0) < 16
        images[row, 0, 0] = float(kind)
        images[row, 0, 1:, disc] = 0.5
        targets[row, 1:, disc] = 1 + kind
    return images + 0.02 * torch.randn(images.shape, generator=generator), targets


@pytest.mark.parametrize("options", [{}, {"cell": "lstm"}, {"axes": "volume"}, {"levels": 0}])
def test_it_learns_what_only_another_slice_tells(options: dict[str, Any]) -> None:
    network = recurrent(**options)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        images, targets = volumes_of_the_toy(4, generator)
        loss = nn.functional.cross_entropy(network(images), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    images, targets = volumes_of_the_toy(16, generator)
    with torch.no_grad():
        said = network.eval()(images).argmax(dim=1)
    right = (said == targets)[targets > 0].float().mean()
    assert right < 0.7 if options.get("levels") == 0 else right > 0.95


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "axes": "volume"}])
def test_onnx_runtime_and_openvino_answer_as_torch_does(options: dict[str, Any]) -> None:
    shape = (3, 8, 8)
    rows = Voxelwise([remembering(recurrent(outputs=2, **options))], shape=shape).eval()
    content = onnx_bytes(rows, input_shape=(1, *shape))
    images = np.random.default_rng(0).random((3, 1, *shape), dtype=np.float32)
    with torch.no_grad():
        wanted = rows(torch.from_numpy(images)).numpy()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"images": images})[0], wanted, rtol=0, atol=1e-4)
    runtime = OpenVino([read_network(content)], precision="f32", threads=1)
    np.testing.assert_allclose(runtime.logits(images), wanted, rtol=0, atol=1e-4)


def test_a_plans_words_make_it_with_an_encoder_for_slices() -> None:
    choices = {"name": "recurrent", "levels": 1, "width": 4, "encoder": {"name": "pretrained"}}
    network = build_from(choices, dims=3, channels=1, outputs=2)
    assert isinstance(network, Recurrent)
    assert network.neighbours and network.unet.encoder.channels == 3 and network.unet.encoder.dims == 2
    plain = build_from(choices | {"encoder": {"name": "residual"}}, dims=3, channels=1, outputs=2)
    assert isinstance(plain, Recurrent) and plain.neighbours and plain.unet.encoder.channels == 3


def test_what_does_not_fit_is_refused() -> None:
    encoder = ResidualNet(dims=2, channels=1, outputs=1, widths=(4, 8), blocks=(1, 1))
    with pytest.raises(ShapeError, match="slices of volumes, and these are flat images"):
        Recurrent(dims=2, channels=1, outputs=2, encoder=encoder)
    with pytest.raises(ShapeError, match="not for 2-D ones of 2"):
        Recurrent(dims=3, channels=2, outputs=2, encoder=encoder)
    with pytest.raises(ShapeError, match="for 3-D images"):
        Recurrent(dims=3, channels=1, outputs=2, encoder=ResidualNet(dims=3, channels=1, outputs=1))
    with pytest.raises(ShapeError, match=r"volumes \(N, 1, D, H, W\), not \(2, 1, 16, 16\)"):
        recurrent()(torch.rand(2, 1, 16, 16))


def test_stages_begin_with_the_encoder_and_end_with_what_is_new() -> None:
    network = recurrent()
    inside = [id(p) for stage in network.stages() for module in stage for p in module.parameters()]
    assert sorted(inside) == sorted(id(p) for p in network.parameters())
    assert network.memories in network.stages()[-1]
