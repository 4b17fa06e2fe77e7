"""The dense parts of networks as one row of numbers: the same findings come out of it."""

from __future__ import annotations

import pytest
import torch

from hounsfield.networks.build import build_from
from hounsfield.networks.faster_rcnn import FasterRCNN
from hounsfield.networks.flat import Flat

pytestmark = pytest.mark.usefixtures("one_thread")


def detector(seed: int) -> FasterRCNN:
    torch.manual_seed(seed)
    choices = {
        "name": "faster_rcnn",
        "strides": (4, 8),
        "width": 8,
        "anchor_sides": ((12.0,), (24.0,)),
        "head_width": 16,
        "encoder": {"name": "convnet", "widths": (8, 8, 8), "pool_after": (1, 2, 3)},
    }
    network = build_from(choices, dims=2, channels=1, outputs=3).eval()
    assert isinstance(network, FasterRCNN)
    return network


def test_the_findings_of_each_network_come_back_from_the_row() -> None:
    members = [detector(0), detector(1)]
    flat = Flat(members, shape=(64, 48)).eval()
    images = torch.rand(3, 1, 64, 48, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        rows = flat(images)
        found = flat.found(rows)

        assert rows.dtype == torch.float32 and rows.ndim == 2
        for member, own in zip(members, found, strict=True):
            for one, expected in zip(own, member(images), strict=True):
                torch.testing.assert_close(one.boxes, expected.boxes)
                torch.testing.assert_close(one.probabilities, expected.probabilities)


def test_a_place_is_as_warm_as_the_likeliest_of_its_boxes_of_all_resolutions() -> None:
    network = detector(0)
    dense = network.dense(torch.zeros(1, 1, 32, 32))
    for level in dense.objectness:
        level.data.fill_(-10.0)
    dense.objectness[0].data[0, 1, 2, 5] = 1.0
    dense.objectness[1].data[0, 0, 3, 0] = 2.0

    warmth = network.warmth(dense)[0]

    assert warmth.shape == (8, 8)
    assert float(warmth[2, 5].detach()) == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item())
    assert float(warmth[6, 0].detach()) == pytest.approx(torch.sigmoid(torch.tensor(2.0)).item())
    assert float(warmth[4, 0].detach()) < 1e-3 and float(warmth[0, 7].detach()) < 1e-3


@pytest.mark.parametrize("size", [(64, 48), (40, 56), (33, 47)])
def test_a_place_of_any_resolution_is_warm_where_its_boxes_are_asked_about(size: tuple[int, int]) -> None:
    network = detector(0)
    dense = network.dense(torch.zeros(1, 1, *size))
    anchors = network._by_anchor(dense, size)[0][0]
    middles = (anchors[:, :2] + anchors[:, 2:]) / 2
    counts = [level[0, 0].numel() for level in dense.objectness]
    for number, count in enumerate(counts):
        for level in dense.objectness:
            level.data.fill_(-10.0)
        place = count // 2
        dense.objectness[number].data[0, 0].view(-1)[place] = 3.0
        each = len(anchors) // sum(counts)
        x, y = middles[each * (sum(counts[:number]) + place)].tolist()

        warmest = int(network.warmth(dense)[0].argmax())
        row, column = divmod(warmest, dense.objectness[0].shape[3])

        assert (4 * column, 4 * row) == (pytest.approx(x, abs=0.5), pytest.approx(y, abs=0.5))


def test_the_warmth_of_networks_is_their_mean() -> None:
    members = [detector(0), detector(1)]
    flat = Flat(members, shape=(32, 32)).eval()
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        own = [member.warmth(member.dense(images)) for member in members]
        torch.testing.assert_close(flat.warmth(flat(images)), (own[0] + own[1]) / 2)


def test_it_is_written_as_onnx_and_answers_the_same() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from hounsfield.networks.onnx import INPUT, onnx_bytes

    flat = Flat([detector(0)], shape=(64, 48)).eval()
    session = onnxruntime.InferenceSession(
        onnx_bytes(flat, input_shape=(1, 64, 48)), providers=["CPUExecutionProvider"]
    )
    images = torch.rand(5, 1, 64, 48, generator=torch.Generator().manual_seed(0))

    (found,) = session.run(None, {INPUT: images.numpy()})

    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(found), flat(images), rtol=1e-4, atol=1e-4)
