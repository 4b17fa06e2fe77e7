"""A probe sees every image once, on the network's device, for all folds together, and is one network a fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import Fingerprint, make_fingerprint
from hounsfield.learning import features
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.train import train
from hounsfield.networks.pretrained import Pretrained
from hounsfield.plan import Machine, Plan, PretrainedChoice, make_plan
from hounsfield.plan.families import DEFAULT_BACKBONE, probe

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
SMALL = {"shape": (32, 32), "steps": ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32]})}


def plan_of(fingerprint: Fingerprint, *, minutes: float, folds: int | None = None) -> Plan:
    return make_plan(
        fingerprint,
        Machine("a laptop", cores=2, threads=1, memory_bytes=2**40, bf16=True),
        modality="",
        cropped=False,
        rarest_patients=10,
        minutes=minutes,
        seed=0,
        speed=lambda plan: 1e5 / np.prod(plan.input.shape),
        memory=lambda plan: 0,
        family=probe(DEFAULT_BACKBONE),
        folds=folds,
    )


def test_the_minutes_decide_the_size_and_no_network_is_made_twice(tiny_dataset: Dataset) -> None:
    fingerprint = replace(make_fingerprint(tiny_dataset), shape_median=(1, 300, 300))
    # 40 cases, each and its mirror image, to learn and to validate: 160 images, at 256 a side 105 s, at 128 26 s
    shapes = [plan_of(fingerprint, minutes=minutes).input.shape for minutes in (10.0, 1.3, 0.6, 0.01)]
    assert shapes == [(256, 256), (192, 192), (128, 128), (128, 128)]
    long = plan_of(fingerprint, minutes=10.0)
    assert (long.ensemble.folds, long.ensemble.repeats, long.optimisation.epochs) == (5, 1, 1)
    assert plan_of(fingerprint, minutes=10.0, folds=1).ensemble.networks == 1


def test_all_folds_share_one_pass_through_the_network(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    pooled = Pretrained.pooled

    def counted(self: Pretrained, images: Tensor) -> Tensor:
        seen.append(len(images))
        return pooled(self, images)

    monkeypatch.setattr(Pretrained, "pooled", counted)
    plan = make_tiny_plan(**SMALL, network=PretrainedChoice(), start="imagenet", head_only=True, folds=3)
    monkeypatch.setattr("hounsfield.learning.train.remember", lambda *given: None)  # which looks at images too
    bundle = train(tiny_dataset, tmp_path / "B", plan=plan).bundle
    assert sum(seen) == 2 * bundle.training.cases  # each and its mirror image
    answers = {tuple(network.answer.weight.flatten().tolist()) for network in bundle.networks()}
    assert len(answers) == 3


def test_features_are_computed_anew_for_other_weights_or_images(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    plan = make_tiny_plan()
    voxels = np.random.default_rng(0).random((4, 1, 16, 16)).astype(np.float16)
    first, second = (Inputs(voxels * share, np.arange(4) % 2, (), (), key=str(share)) for share in (1, 2))
    for network, inputs, files in (
        (Means(1.0), first, 1),
        (Means(1.0), first, 1),
        (Means(2.0), first, 2),
        (Means(1.0), second, 3),
    ):
        found = features.features_of(network, plan, inputs, tmp_path)
        expected = network.weight.detach() * torch.from_numpy(inputs.voxels.astype(np.float32)).mean(dim=(2, 3))
        assert found.shape == (4, 2, 1)
        torch.testing.assert_close(found[:, 0], expected)
        assert len(list(tmp_path.glob("features-*.safetensors"))) == files


def test_images_go_to_the_networks_device_and_features_come_back(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    class Elsewhere(Means):
        def pooled(self, images: Tensor) -> Tensor:
            assert images.device == self.weight.device == torch.device("meta")
            return torch.ones(len(images), 3, dtype=torch.bfloat16)

    inputs = Inputs(np.zeros((4, 1, 16, 16), np.float16), np.arange(4) % 2, (), ())
    found = features.features_of(Elsewhere(1.0).to("meta"), make_tiny_plan(), inputs, tmp_path)
    assert (found.device.type, found.dtype) == ("cpu", torch.float32)


class Means(nn.Module):
    """Sees the mean of an image, times its one weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def pooled(self, images: Tensor) -> Tensor:
        """(N, 1)."""
        return self.weight * images.mean(dim=(2, 3))
