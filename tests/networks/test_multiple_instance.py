"""Attention over slices and views: who counts, who was not taken, and what goes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from hounsfield.errors import ShapeError
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.residual import ResidualNet

pytestmark = pytest.mark.usefixtures("one_thread")


def encoder(channels: int = 1) -> ResidualNet:
    torch.manual_seed(0)
    return ResidualNet(dims=2, channels=channels, outputs=2, widths=(4, 8), blocks=(1, 1), stem_stride=2)


def of_views(channels: int = 1) -> MultipleInstance:
    network = MultipleInstance(dims=2, channels=channels, outputs=2, encoder=encoder(channels), over="views")
    return network.eval()


def of_slices(*, stride: int = 1, neighbours: bool = False) -> MultipleInstance:
    own = encoder(3 if neighbours else 1)
    return MultipleInstance(dims=3, channels=1, outputs=2, encoder=own, over="slices", stride=stride).eval()


def test_the_order_of_views_does_not_matter() -> None:
    network, views = of_views(), torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(network(views), network(views.flip(1)))


def test_a_view_that_was_not_taken_changes_nothing() -> None:
    network, views = of_views(), torch.rand(2, 2, 16, 16)
    with_a_gap = torch.cat([views, torch.zeros(2, 1, 16, 16)], dim=1)
    torch.testing.assert_close(network(with_a_gap), network(views))
    assert torch.isfinite(network(torch.zeros(1, 3, 16, 16))).all()


def test_views_may_have_an_axis_of_their_own() -> None:
    network, views = of_views(channels=3), torch.rand(2, 4, 3, 16, 16)
    torch.testing.assert_close(network(views), network(views.flatten(1, 2)))
    assert network.feature_maps(views).shape == (2, 8, 4, 4, 4)


def test_the_weights_are_those_of_the_weighted_mean_and_missing_views_have_none() -> None:
    network, views = of_views(), torch.rand(3, 4, 16, 16)
    views[0, 2] = 0
    views[1] = 0
    weights = network.attention(views)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))
    assert (weights == 0).tolist() == [[False, False, True, False], [False] * 4, [False] * 4]
    torch.testing.assert_close(weights[1], torch.full((4,), 0.25))
    features = network.feature_maps(views).mean(dim=(3, 4))
    torch.testing.assert_close(network.pooled(views), (features * weights[:, None]).sum(dim=2))


def test_the_gated_attention_by_hand() -> None:
    network = of_views()
    with torch.no_grad():
        for layer in (network.what, network.gate, network.weigh):
            layer.weight.zero_()
            layer.bias.zero_()
        network.what.weight[0, 0] = 1.0
        network.gate.bias[0] = 100.0  # the first unit's gate is open
        network.weigh.weight[0, 0] = 2.0
    maps = torch.zeros(1, 8, 2, 4, 4)
    maps[0, 0, 0], maps[0, 0, 1], maps[0, 1, 0] = 0.5, -0.5, 1.0
    share = torch.sigmoid(4 * torch.tensor(0.5).tanh())
    # heat is 2 tanh(±0.5): two instances, so a softmax is a sigmoid of the difference, 4 tanh(0.5)
    torch.testing.assert_close(network.weighted(maps)[0, 1], share)
    torch.testing.assert_close(network.weighted(maps)[0, 0], share - 0.5)


def test_in_training_missing_views_leave_the_normalisations_alone() -> None:
    views = torch.rand(2, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    with_gaps = torch.cat([views, torch.zeros(2, 2, 16, 16)], dim=1)
    answers, statistics = [], []
    for images in (views, with_gaps):
        network = of_views().train()
        network.dropout.p = 0.0
        answers.append(network(images))
        statistics.append(network.encoder.stem[1].running_mean)
    torch.testing.assert_close(answers[0], answers[1])
    torch.testing.assert_close(statistics[0], statistics[1])


def test_a_batch_without_any_view_is_no_number_to_be_learned_from_but_none_is_nan() -> None:
    network = of_views().train()
    network(torch.zeros(2, 3, 16, 16)).sum().backward()
    assert all(torch.isfinite(value.grad).all() for value in network.parameters() if value.grad is not None)
    assert network.answer.bias.grad.tolist() == [2.0, 2.0]


def test_colour_views_keep_their_channels_together() -> None:
    network = of_views(channels=3)
    instances = network.instances(torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 16, 16))
    assert instances[0, :, :, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_every_so_many_slices_are_looked_at_between_their_neighbours() -> None:
    volume = torch.arange(6.0).view(1, 1, 6, 1, 1).expand(1, 1, 6, 16, 16)
    seen = of_slices(stride=2, neighbours=True).instances(volume)
    assert seen[0, :, :, 0, 0].tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 5]]
    assert of_slices().instances(volume)[0, :, :, 0, 0].tolist() == [[0], [1], [2], [3], [4], [5]]
    assert of_slices(stride=4).instances(volume[:, :, :3])[0, :, :, 0, 0].tolist() == [[1]]


def test_the_answer_is_the_head_of_the_maps() -> None:
    network, volume = of_slices(neighbours=True), torch.rand(2, 1, 5, 16, 16)
    maps = network.feature_maps(volume)
    assert maps.shape == (2, 8, 5, 4, 4)
    torch.testing.assert_close(network(volume), network.head(maps))
    torch.testing.assert_close(network(volume), network.answer(network.pooled(volume)))


def test_it_learns_which_slice_matters_and_points_to_it() -> None:
    network = of_slices().train()
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(0)
    volumes = torch.rand(64, 1, 6, 16, 16, generator=generator) * 0.2
    targets = torch.arange(64) % 2
    for number in range(0, 64, 2):
        volumes[number + 1, 0, number % 6, 4:12, 4:12] = 1.0  # one bright slice, anywhere
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(network(volumes), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.eval()(volumes).argmax(dim=1) == targets).float().mean() > 0.9
    looked_at = network.attention(volumes[1::2]).argmax(dim=1)
    assert (looked_at == torch.arange(0, 64, 2) % 6).float().mean() > 0.9


def test_the_stages_hold_every_parameter_once() -> None:
    network = of_slices()
    inside = [id(p) for stage in network.stages() for module in stage for p in module.parameters()]
    assert sorted(inside) == sorted(id(p) for p in network.parameters())
    assert network.stages()[-1] == [network.answer]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="slices of 2-D images with 1 channels do not go into an encoder of 2-D"):
        MultipleInstance(dims=2, channels=1, outputs=2, encoder=encoder(), over="slices")
    with pytest.raises(
        ShapeError, match=r"\(N, C, D, H, W\) with C = 1 and at least 4 pixels a side, not \(1, 1, 3, 2, 9"
    ):
        of_slices()(torch.rand(1, 1, 3, 2, 9))
    with pytest.raises(ShapeError, match=r"\(N, V, C, H, W\) or \(N, V \* C, H, W\) with C = 3"):
        of_views(channels=3)(torch.rand(1, 4, 16, 16))


@pytest.mark.parametrize("over", ["slices", "views"])
def test_onnx_runtime_gives_the_same_answers_for_any_number_of_cases(over: str, tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript"):
        pytest.importorskip(package)
    onnxruntime: Any = pytest.importorskip("onnxruntime")
    network = of_slices(stride=2, neighbours=True) if over == "slices" else of_views()
    images = torch.rand(3, 1, 6, 16, 16) if over == "slices" else torch.rand(3, 4, 16, 16)
    path = tmp_path / "network.onnx"
    torch.onnx.export(
        network, (images,), path, dynamo=True, dynamic_shapes={"images": {0: torch.export.Dim("batch")}}, verbose=False
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    if over == "views":
        images[0, 1:3], images[1] = 0, 0
    for some in (images, images[:1], images.repeat(2, *[1] * (images.ndim - 1))):
        (found,) = session.run(None, {session.get_inputs()[0].name: some.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), network(some), rtol=0, atol=1e-4)
