"""A training begins from what a bundle was when it began: the bundle may change or vanish, and what it saw counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_split
from hounsfield.errors import TrainingError, WeightsError
from hounsfield.learning import supervised, transfer
from hounsfield.learning.start import keep_start
from hounsfield.learning.train import train
from hounsfield.networks.weights import load_weights
from hounsfield.plan import Plan, PretrainedChoice
from hounsfield.plan.families import DEFAULT_BACKBONE

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
Learn = Callable[..., Any]


@pytest.fixture
def learn(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> Learn:
    """Trains "second" from the bundle "first", which is made first."""
    train(tiny_dataset, tmp_path / "first", plan=make_tiny_plan(epochs=1))
    plan = make_tiny_plan(start=str(tmp_path / "first"), folds=2, epochs=1)

    def go(out: str = "second", **more: Any) -> Any:
        return train(tiny_dataset, tmp_path / out, plan=plan, split=make_split(tiny_dataset, seed=3), **more).bundle

    return go


def stop(*given: Any) -> None:
    raise KeyboardInterrupt


def test_the_bundle_may_vanish_when_the_training_has_begun(learn: Learn, tmp_path: Path) -> None:
    undisturbed = learn("undisturbed")
    with pytest.raises(KeyboardInterrupt):
        learn(on_plan=stop)
    shutil.rmtree(tmp_path / "first")
    second = learn()
    assert second.identity.sha256 == undisturbed.identity.sha256
    assert second.training.seen_patients == undisturbed.training.seen_patients
    assert second.training.warnings == undisturbed.training.warnings != ()
    assert not (tmp_path / "second.training").exists()


def test_weights_to_start_from_are_loaded_once_for_each_network(learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path | None] = []
    real = transfer.load_start

    def counted(network: torch.nn.Module, plan: Plan, *, member: int = 0, kept: Path | None = None) -> None:
        loaded.append(kept)
        real(network, plan, member=member, kept=kept)

    monkeypatch.setattr(supervised, "load_start", counted)
    with pytest.raises(KeyboardInterrupt):
        learn(on_written=stop)
    assert [path.name for path in loaded if path] == ["start.safetensors"] * 2
    learn()  # every network has a checkpoint by now
    assert len(loaded) == 2


def test_what_does_not_fit_is_refused_before_anything_is_left(
    learn: Learn, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="do not fit the plan's network"):
        train(tiny_dataset, tmp_path / "third", plan=make_tiny_plan(start=str(tmp_path / "first"), widths=(3, 5)))
    assert not (tmp_path / "third.training").exists()


def test_a_changed_copy_is_noticed(learn: Learn, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        learn(on_plan=stop)
    with (tmp_path / "second.training" / "start.safetensors").open("ab") as stream:
        stream.write(b"0")
    with pytest.raises(TrainingError, match=r"start\.safetensors, the copy .* was changed; delete .*second\.training"):
        learn()


def test_a_run_of_an_earlier_version_is_a_sentence(learn: Learn, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        learn(on_plan=stop)
    facts = tmp_path / "second.training" / "start.json"
    facts.write_text(json.dumps({"sha256": "0", "seen": {"patients": [], "images": []}}))
    with pytest.raises(
        TrainingError, match=r"start\.json was written by an earlier version .* delete .*second\.training"
    ):
        learn()


def test_other_imagenet_weights_are_another_start(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_tiny_plan(shape=(32, 32), steps=(), network=PretrainedChoice(), start="imagenet")
    first = keep_start(plan, tmp_path)
    assert len(first.sha256) == 64
    assert keep_start(plan, tmp_path) == first
    weights = load_weights(DEFAULT_BACKBONE)
    changed = {name: (value * 2 if value.is_floating_point() else value) for name, value in weights.items()}
    save_file(
        {name: value.contiguous() for name, value in changed.items()}, tmp_path / f"{DEFAULT_BACKBONE}.safetensors"
    )
    monkeypatch.setenv("HOUNSFIELD_WEIGHTS", str(tmp_path))
    assert keep_start(plan, tmp_path).sha256 != first.sha256
    assert keep_start(make_tiny_plan(), tmp_path).sha256 == ""
