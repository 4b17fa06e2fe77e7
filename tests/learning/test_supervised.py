"""The training loop: it learns, repeats itself, stops early and says when it diverges."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hounsfield.datasets.case import Dataset
from hounsfield.errors import TrainingError
from hounsfield.learning import classes, supervised
from hounsfield.learning.augmentation import Mixing
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.classes import ClassLesson, predict_rows, scores_of, train_step, training_batch
from hounsfield.learning.inputs import Inputs, prepare_inputs
from hounsfield.learning.supervised import Fitted, derived_seed, fit, learning_rate_at, setup, train_epoch
from hounsfield.learning.throughput import images_per_second
from hounsfield.plan import Plan
from hounsfield.plan.schema import Auxiliary, Column
from hounsfield.plan.task import task_of

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
GRADE = Column(name="grade", kind="number", mean=3.0, std=2.0)


def inputs(plan: Plan, *, cases: int = 24) -> Inputs:
    """Noise; every second case has a bright middle."""
    rng = np.random.default_rng(0)
    voxels = rng.random((cases, plan.input.channels, *plan.input.canvas)).astype(np.float16)
    targets = np.arange(cases) % 2
    middle = tuple(slice(side // 4, 3 * side // 4) for side in plan.input.canvas)
    voxels[(targets == 1, slice(None), *middle)] += 1
    return Inputs(voxels, targets, (), ())


def fitted(plan: Plan, folder: Path, *, member: int = 0, data: Inputs | None = None, **more: Any) -> Fitted:
    return fit(
        plan,
        ClassLesson(task_of(plan), data or inputs(plan)),
        train_rows=np.arange(16),
        val_rows=np.arange(16, 24),
        member=member,
        checkpoint=folder / f"member-{member}.safetensors",
        **more,
    )


def same(first: Fitted, second: Fitted) -> bool:
    return all(torch.equal(second.weights[key], value) for key, value in first.weights.items())


def test_a_network_that_has_died_begins_anew_at_half_the_rate(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = make_tiny_plan(epochs=3, learning_rate=0.004)
    real, calls = classes.predict_rows, iter(range(99))

    def dead_after_the_second_epoch(*given: Any, **more: Any) -> Any:
        logits = real(*given, **more)
        return np.ones_like(logits) if next(calls) == 1 else logits

    monkeypatch.setattr(classes, "predict_rows", dead_after_the_second_epoch)
    found = fitted(plan, tmp_path)
    assert "network 1 answers the same to every image; it begins anew at half the rate" in capsys.readouterr().err
    monkeypatch.setattr(classes, "predict_rows", real)
    (tmp_path / "half").mkdir()
    half = fitted(make_tiny_plan(epochs=3, learning_rate=0.002), tmp_path / "half")
    assert same(found, half)
    assert [record.epoch for record in found.history] == [1, 2, 3]


def test_a_network_that_dies_at_every_rate_is_given_back_as_it_is(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = classes.predict_rows
    monkeypatch.setattr(classes, "predict_rows", lambda *given, **more: np.ones_like(real(*given, **more)))
    assert [record.val_score for record in fitted(make_tiny_plan(epochs=2), tmp_path).history] == [0.5, 0.5]


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
def test_four_images_are_learned_by_heart(make_tiny_plan: MakeTinyPlan, shape: Sequence[int]) -> None:
    plain = {"flip_axes": (), "rotation_degrees": 0, "noise": 0, "dropout": 0}
    plan = make_tiny_plan(shape=shape, batch_size=4, epochs=60, learning_rate=0.05, **plain)
    run, data = setup(plan, member=0), inputs(plan)
    for epoch in range(60):
        train_epoch(run, plan, ClassLesson(task_of(plan), data), np.arange(4), member=0, epoch=epoch)
    loss, score = scores_of(
        predict_rows(run.network, plan, data, np.arange(4), flips=False), task_of(plan), data, np.arange(4)
    )
    assert loss < 0.1
    assert score == 1.0


def test_the_weights_of_the_best_epoch_are_kept(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    plan = make_tiny_plan(epochs=6)
    seen: list[EpochRecord] = []
    result = fitted(plan, tmp_path, on_epoch=seen.append)
    assert tuple(seen) == result.history
    assert [record.epoch for record in seen] == [1, 2, 3, 4, 5, 6]
    best = min(seen, key=lambda record: record.val_loss)
    assert (result.best_epoch, result.stopped) == (best.epoch, "finished")
    network = setup(plan, member=0).network
    network.load_state_dict(result.weights)
    loss, score = scores_of(
        predict_rows(network, plan, inputs(plan), np.arange(16, 24), flips=False),
        task_of(plan),
        inputs(plan),
        np.arange(16, 24),
    )
    assert (loss, score) == (best.val_loss, best.val_score)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan()
    first = fitted(plan, tmp_path / "first")
    torch.rand(7)  # what was drawn before does not matter
    assert same(first, fitted(plan, tmp_path / "again"))
    assert not same(first, fitted(make_tiny_plan(seed=1), tmp_path / "other"))
    assert not same(first, fitted(plan, tmp_path / "first", member=1))


def test_a_network_that_is_finished_is_not_trained_again(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fitted(make_tiny_plan(), tmp_path)
    monkeypatch.setattr(supervised, "train_epoch", lambda *given, **more: pytest.fail("trained again"))
    assert same(first, fitted(make_tiny_plan(), tmp_path))


def test_training_stops_early_without_a_better_loss(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([0.9, 0.5, 0.7, 0.6, 0.55])
    monkeypatch.setattr(classes, "scores_of", lambda *given: (next(losses), 0.5))
    result = fitted(make_tiny_plan(epochs=50, patience=3), tmp_path)
    assert (result.best_epoch, result.stopped, len(result.history)) == (2, "early stopping", 5)


def test_a_resumed_run_remembers_its_patience(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "CHECKPOINT_SECONDS", 0)
    losses = iter([0.5, 0.6, 0.7, 0.8])
    monkeypatch.setattr(classes, "scores_of", lambda *given: (next(losses), 0.5))
    plan = make_tiny_plan(epochs=50, patience=3)
    first = fitted(plan, tmp_path)
    again: list[EpochRecord] = []
    second = fitted(plan, tmp_path, on_epoch=again.append)  # would ask for a fifth loss, and there is none
    assert (second.stopped, second.best_epoch) == ("early stopping", 1)
    assert tuple(again) == first.history
    assert same(first, second)


def test_the_class_weights_of_the_plan_are_in_the_loss(make_tiny_plan: MakeTinyPlan) -> None:
    plain, weighted = make_tiny_plan(), make_tiny_plan(class_weights=(1.0, 5.0))
    data, rows = inputs(plain), np.array([0, 1, 3])  # one of the first class, two of the second
    network = setup(plain, member=0).network
    logits = torch.from_numpy(predict_rows(network, plain, data, rows, flips=False))
    each = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 1]), reduction="none")
    expected = float((each[0] + 5 * each[1] + 5 * each[2]) / 11)
    assert scores_of(predict_rows(network, weighted, data, rows, flips=False), task_of(weighted), data, rows)[
        0
    ] == pytest.approx(expected)


def test_a_loss_that_is_no_number_is_a_sentence(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    plan = make_tiny_plan()
    data = inputs(plan)
    data.voxels[3] = np.nan
    words = r"the training loss became nan in epoch 1; lower optimisation.learning_rate \(now 0.01\) in the plan"
    with pytest.raises(TrainingError, match=words):
        fitted(plan, tmp_path, data=data)


def test_a_validation_loss_that_is_no_number_is_a_sentence(make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    plan = make_tiny_plan()
    data = inputs(plan)
    data.voxels[20] = np.nan
    with pytest.raises(TrainingError, match="the validation loss became nan in epoch 1"):
        fitted(plan, tmp_path, data=data)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_is_what_the_plan_says(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(margin=1.5)
    data = inputs(plan)
    images, targets = training_batch(plan, data, np.array([5, 2]), generator=torch.Generator().manual_seed(0))
    assert (images.shape, images.dtype) == ((2, 1, 16, 16), torch.float32)
    assert targets.tolist() == [1, 0]
    still = make_tiny_plan(margin=1.5, rotation_degrees=0, flip_axes=(), noise=0)
    images, _ = training_batch(still, data, np.array([5]), generator=torch.Generator().manual_seed(0))
    middle = torch.from_numpy(data.voxels[5:6, :, 4:20, 4:20].astype(np.float32))
    torch.testing.assert_close(images, middle, atol=1e-5, rtol=0)


def test_images_and_their_truth_are_mixed_in_training(
    make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fitted(make_tiny_plan(), tmp_path / "plain")

    def share(one: float) -> Fitted:
        def pairs(count: int, **given: Any) -> Mixing:
            return Mixing(one, torch.arange(count - 1, -1, -1))

        monkeypatch.setattr(classes, "draw_mixing", pairs)
        return fitted(make_tiny_plan(mixup=0.4), tmp_path / f"share {one}")

    for key, value in share(1.0).weights.items():
        torch.testing.assert_close(plain.weights[key], value)
    assert not same(plain, share(0.7))
    plan = make_tiny_plan(mixup=0.4)
    monkeypatch.undo()
    assert same(fitted(plan, tmp_path / "mixed"), fitted(plan, tmp_path / "again"))


def test_the_loss_of_mixed_images_is_that_of_mixed_truth(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(dropout=0.0, auxiliary=Auxiliary(columns=(GRADE,), weight=1.0))
    data, rows, mixing = inputs(plan), np.array([0, 1]), Mixing(0.7, torch.tensor([1, 0]))
    images, targets = training_batch(plan, data, rows, mixing=mixing, generator=torch.Generator().manual_seed(0))
    apart, _ = training_batch(plan, data, rows, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(images, 0.7 * apart + 0.3 * apart.flip(0))
    run = setup(plan, member=0)
    run.wrapped.train()
    grades = torch.tensor([[3.0], [torch.nan]])
    logits, beside = run.with_heads(images)
    assert beside is not None
    truth = torch.tensor([[0.7, 0.3], [0.3, 0.7]])
    expected = -(truth * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
    # the first case's grade counts for the first image by 0.7, and for the second by 0.3
    numbers = 0.5 * (0.7 * (beside[0, 0] - 3) ** 2 + 0.3 * (beside[1, 0] - 3) ** 2) / 2
    (expected + numbers).backward()
    gradients = [weight.grad.clone() for weight in run.with_heads.parameters() if weight.grad is not None]
    found = train_step(run, plan, task_of(plan), images, targets, grades, mixing)
    torch.testing.assert_close(found, expected.detach())
    for weight, gradient in zip(run.with_heads.parameters(), gradients, strict=True):
        torch.testing.assert_close(weight.grad, gradient)


def test_mirrored_copies_are_averaged_where_asked_for(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(flip_axes=(1,))
    data, rows = inputs(plan), np.arange(10)  # more than a batch
    mirrored = dataclasses.replace(data, voxels=data.voxels[..., ::-1])
    network = setup(plan, member=0).network
    straight, turned = (predict_rows(network, plan, each, rows, flips=False) for each in (data, mirrored))
    both = predict_rows(network, plan, data, rows, flips=True)
    np.testing.assert_allclose(both, (straight + turned) / 2, atol=1e-6)
    assert both.shape == (10, 2)


def test_the_rate_rises_for_a_fifth_and_falls_to_nothing(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(learning_rate=1.0)
    rates = [learning_rate_at(plan, progress) for progress in np.linspace(0, 0.999, 50)]
    assert rates[0] == pytest.approx(0.04)
    assert learning_rate_at(plan, 0.1) == pytest.approx(0.52)
    assert learning_rate_at(plan, 0.2) == pytest.approx(1.0)
    assert learning_rate_at(plan, 0.6) == pytest.approx(0.5)
    assert rates[-1] < 1e-4
    assert np.argmax(rates) == 10


def test_every_member_and_epoch_has_a_seed_of_its_own() -> None:
    seeds = {derived_seed(seed, member, epoch) for seed in range(5) for member in range(5) for epoch in range(20)}
    assert len(seeds) == 500
    assert max(seeds) < 2**63


def test_few_training_cases_are_one_small_batch(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan(batch_size=32)
    run = setup(plan, member=0)
    lesson = ClassLesson(task_of(plan), inputs(plan))
    assert math.isfinite(train_epoch(run, plan, lesson, np.arange(5), member=0, epoch=0))


def test_the_speed_of_a_plan_is_measured(make_tiny_plan: MakeTinyPlan) -> None:
    small, large = make_tiny_plan(), make_tiny_plan(shape=(96, 96), widths=(32, 32))
    assert images_per_second(small) > images_per_second(large) > 0


def test_the_last_epoch_is_kept_where_the_plan_says_so(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(epochs=6, keep="last", patience=1, learning_rate=0.3)
    (tmp_path / "run").mkdir()
    inputs = prepare_inputs(tiny_dataset, tiny_dataset.cases, plan.input, tmp_path / "run", threads=1)
    lesson, rows = ClassLesson(task_of(plan), inputs), np.arange(40)
    fitted = fit(plan, lesson, train_rows=rows[:30], val_rows=rows[30:], member=0, checkpoint=tmp_path / "c")
    assert (fitted.best_epoch, len(fitted.history), fitted.stopped) == (6, 6, "finished")
