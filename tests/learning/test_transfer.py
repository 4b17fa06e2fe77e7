"""Beginning from learned weights: they arrive, stages stay or learn at their own rate, misfits are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_split
from hounsfield.errors import BundleError, PlanError, UnknownNameError, WeightsError
from hounsfield.learning.choosing import choose_plan_and_split, require_network
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.members import fit_member
from hounsfield.learning.supervised import setup, train_epoch
from hounsfield.learning.train import train
from hounsfield.learning.transfer import frozen_in, parameter_groups, stages_of
from hounsfield.networks.pretrained import Pretrained, create_backbone
from hounsfield.networks.weights import load_weights
from hounsfield.plan import MultipleInstanceChoice, Plan, PretrainedChoice
from hounsfield.plan.families import DEFAULT_BACKBONE
from hounsfield.plan.task import task_of

MakeTinyPlan = Callable[..., Plan]
SMALL = {"shape": (32, 32), "steps": ({"step": "float", "scale": "type"}, {"step": "resize", "shape": [32, 32]})}


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small networks are slower with more."""


def fine_tuning(make: MakeTinyPlan, **changed: object) -> Plan:
    usual = {"network": PretrainedChoice(), "start": "imagenet", "epochs": 1, "learning_rate": 1e-3}
    return make(**(SMALL | usual | changed))


@pytest.mark.parametrize("folded", [True, False])
def test_imagenet_weights_arrive_folded_or_not(make_tiny_plan: MakeTinyPlan, folded: bool) -> None:
    plan = fine_tuning(make_tiny_plan, network=PretrainedChoice(folded=folded))
    network = setup(plan, member=0).network.eval()
    plain = Pretrained(dims=2, channels=1, outputs=2, folded=False).eval()
    plain.backbone.load_state_dict(
        dict(zip(plain.backbone.state_dict(), load_weights("tf_efficientnet_lite0").values(), strict=False))
    )
    images = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        expected, found = plain.pooled(images), network.pooled(images)  # type: ignore[operator]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_the_slices_of_a_volume_are_seen_with_the_same_weights(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(shape=(4, 32, 32), steps=(), network=MultipleInstanceChoice(), start="imagenet", flip_axes=())
    network = setup(plan, member=0).network
    assert network(torch.rand(1, 1, 4, 32, 32)).shape == (1, 2)
    first = next(iter(network.encoder.backbone.state_dict().values()))  # type: ignore[union-attr]
    flat = fine_tuning(make_tiny_plan)
    same = setup(flat, member=3).network
    torch.testing.assert_close(first, next(iter(same.backbone.state_dict().values())))  # type: ignore[union-attr]


def test_frozen_stages_stay_and_the_others_learn(make_tiny_plan: MakeTinyPlan) -> None:
    plan = fine_tuning(make_tiny_plan, frozen_stages=3)
    run = setup(plan, member=0)
    before = [[p.detach().clone() for p in stage] for stage in stages_of(run.network)]
    train_epoch(run, plan, ClassLesson(task_of(plan), noise()), np.arange(16), member=0, epoch=0)
    changed = [
        any(not torch.equal(old, new) for old, new in zip(stage, now, strict=True))
        for stage, now in zip(before, stages_of(run.network), strict=True)
    ]
    assert changed == [False] * 3 + [True] * (len(before) - 3)


def test_frozen_normalisations_keep_their_statistics(make_tiny_plan: MakeTinyPlan) -> None:
    plan = fine_tuning(make_tiny_plan, network=PretrainedChoice(folded=False), frozen_stages=3)
    run = setup(plan, member=0)
    before = run.network.backbone.bn1.running_mean.clone()  # type: ignore[union-attr, operator]
    last = run.network.backbone.bn2.running_mean.clone()  # type: ignore[union-attr, operator]
    train_epoch(run, plan, ClassLesson(task_of(plan), noise()), np.arange(16), member=0, epoch=0)
    assert torch.equal(before, run.network.backbone.bn1.running_mean)  # type: ignore[union-attr, arg-type]
    assert not torch.equal(last, run.network.backbone.bn2.running_mean)  # type: ignore[union-attr, arg-type]


def test_rates_fall_from_the_answer_to_the_input(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(layer_decay=0.5)
    network = setup(plan, member=0).network
    groups = parameter_groups(network, plan)
    scales = {id(p): group["scale"] for group in groups for p in group["params"]}
    assert scales[id(network.answer.weight)] == 1.0  # type: ignore[union-attr]
    assert scales[id(network.features[0].weight)] == 0.25  # type: ignore[union-attr, index]
    assert len(scales) == len(list(network.parameters()))
    faster = parameter_groups(network, make_tiny_plan(layer_decay=0.5, answer_rate=10.0))
    scales = {id(p): group["scale"] for group in faster for p in group["params"]}
    assert scales[id(network.answer.weight)] == 10.0  # type: ignore[union-attr]
    assert scales[id(network.features[0].weight)] == 0.25  # type: ignore[union-attr, index]
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert decays[id(network.answer.bias)] == 0.0  # type: ignore[union-attr]
    assert decays[id(network.answer.weight)] == plan.optimisation.weight_decay  # type: ignore[union-attr]


def test_stages_are_let_go_one_after_another(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(unfreeze_epochs=2, frozen_stages=1)
    assert [frozen_in(plan, epoch=epoch, stages=4) for epoch in range(8)] == [3, 3, 2, 2, 1, 1, 1, 1]
    assert frozen_in(make_tiny_plan(frozen_stages=9), epoch=0, stages=4) == 3
    assert frozen_in(make_tiny_plan(head_only=True), epoch=5, stages=4) == 3


def test_a_probe_tells_bright_from_dark_and_changes_the_answer_alone(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = fine_tuning(make_tiny_plan, head_only=True)
    lesson = ClassLesson(task_of(plan), bright_and_dark())
    fitted = fit_member(
        plan, lesson, train_rows=np.arange(16), val_rows=np.arange(16, 24), member=0, checkpoint=tmp_path / "c"
    )
    assert fitted.history[0].val_score == 1.0
    fresh = setup(plan, member=0).network.state_dict()
    changed = {key for key, value in fitted.weights.items() if not torch.equal(value, fresh[key])}
    assert changed == {"answer.weight", "answer.bias"}


def test_a_bundle_is_learned_on_from(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    first = train(tiny_dataset, tmp_path / "first", plan=make_tiny_plan()).bundle
    plan = make_tiny_plan(start=str(tmp_path / "first"))
    network = setup(plan, member=0).network
    theirs = first.networks()[0].state_dict()
    own = network.state_dict()
    assert all(torch.equal(own[key], value) for key, value in theirs.items() if not key.startswith("answer."))
    assert not torch.equal(own["answer.weight"], theirs["answer.weight"])
    second = train(tiny_dataset, tmp_path / "second", plan=plan, split=make_split(tiny_dataset, seed=3)).bundle
    assert set(second.training.seen_patients) > set(first.training.seen_patients)
    assert set(second.training.seen_images) > set(first.training.seen_images)
    assert any("the bundle it began from had seen" in words for words in second.training.warnings)
    made, _ = choose_plan_and_split(tiny_dataset, minutes=0.1, seed=0, network=str(tmp_path / "first"))
    assert made.network == first.plan.network
    assert made.optimisation.start == str((tmp_path / "first").resolve())


def test_weights_that_do_not_fit_are_named(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny_dataset, tmp_path / "first", plan=make_tiny_plan())
    other = make_tiny_plan(start=str(tmp_path / "first"), widths=(3, 5))
    with pytest.raises(
        WeightsError, match=r"first: its weights, of .* do not fit the plan's .* \(features\.0\.weight\)"
    ):
        setup(other, member=0)
    coloured = make_tiny_plan(start=str(tmp_path / "first"), channels=3)
    theirs, own = "'convnet' for grey flat images", "'convnet' for colour flat images"
    with pytest.raises(WeightsError, match=f"{theirs}, do not fit the plan's network, {own} .* on such images, or"):
        setup(coloured, member=0)
    with pytest.raises(PlanError, match='"imagenet" is for pretrained networks, and network.name is "convnet"'):
        plan = make_tiny_plan(start="imagenet")
        setup(plan, member=0)
    with pytest.raises(PlanError, match="they would never learn anything; let frozen_stages be 0"):
        setup(make_tiny_plan(frozen_stages=1), member=0)
    weights = {f"layer{n}": torch.zeros(2) for n in range(400)}
    save_file(weights, tmp_path / "tf_efficientnet_lite0.safetensors")
    monkeypatch.setenv("HOUNSFIELD_WEIGHTS", str(tmp_path))
    plan = fine_tuning(make_tiny_plan)
    with pytest.raises(WeightsError, match=r"do not fit the network: conv_stem.weight is \(32, 3, 3, 3\), .*\(2,\)"):
        setup(plan, member=0)


def test_a_folder_does_not_shadow_a_networks_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("convnet", DEFAULT_BACKBONE, "mine"):
        (tmp_path / name).mkdir()
        if name != "mine":
            (tmp_path / name / "bundle.json").write_text("damaged")
    require_network("convnet")
    require_network(DEFAULT_BACKBONE)
    with pytest.raises(UnknownNameError, match="there is no network 'mine'; known: .* the folder of a bundle"):
        require_network("mine")
    (tmp_path / "mine" / "bundle.json").write_text("damaged")
    with pytest.raises(BundleError, match="is damaged"):
        require_network("mine")


def noise() -> Inputs:
    voxels = np.random.default_rng(0).random((16, 1, 32, 32)).astype(np.float16)
    return Inputs(voxels, np.arange(16) % 2, (), ())


def bright_and_dark() -> Inputs:
    voxels = np.random.default_rng(0).random((24, 1, 32, 32)) * 0.3
    targets = np.arange(24) % 2
    voxels[targets == 1] += 0.5
    return Inputs(voxels.astype(np.float16), targets, (), ())


def test_a_network_that_folding_would_change_is_refused(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    backbone, _ = create_backbone("repvit_m0_9")
    for layer in backbone.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    save_file(
        {key: value.contiguous() for key, value in backbone.state_dict().items()}, tmp_path / "repvit_m0_9.safetensors"
    )
    monkeypatch.setenv("HOUNSFIELD_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="repvit_m0_9 cannot be folded .* set network.folded = false"):
        plan = fine_tuning(make_tiny_plan, network=PretrainedChoice(backbone="repvit_m0_9"))
        setup(plan, member=0)
