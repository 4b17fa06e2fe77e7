"""Lesions first: each network learns the squares of the patients it will learn from, and of no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hounsfield.datasets.case import Dataset
from hounsfield.errors import TrainingError
from hounsfield.findings import Box
from hounsfield.learning import lesions as learning
from hounsfield.learning import members
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.lesions import prepare_lesions
from hounsfield.learning.supervised import setup
from hounsfield.learning.train import train
from hounsfield.plan import Plan
from hounsfield.plan.lesions import lesion_plan
from hounsfield.plan.schema import Lesions
from hounsfield.plan.task import task_of

MakeTinyPlan = Callable[..., Plan]

pytestmark = pytest.mark.usefixtures("one_thread")

LESIONS = Lesions(
    epochs=2,
    classes=("dull", "bright"),
    side=6,
    shape=(16, 16),
    margin=1.0,
    steps=({"step": "float", "scale": "type"}, {"step": "resize", "shape": [16, 16]}),
)


@pytest.fixture
def boxed(tiny_dataset: Dataset) -> Dataset:
    """Every image has a box, on the bright square where there is one."""
    cases = tuple(
        replace(case, boxes=(Box(5, 5, 9, 9, "bright") if case.target else Box(1, 1, 4, 4, "dull"),))
        for case in tiny_dataset.cases
    )
    return replace(tiny_dataset, cases=cases)


@pytest.fixture
def plan(make_tiny_plan: MakeTinyPlan) -> Plan:
    return make_tiny_plan(folds=2).model_copy(update={"lesions": LESIONS})


def test_a_network_learns_only_squares_of_patients_it_will_learn_from(
    boxed: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[set[str], set[str]]] = []
    begun: list[dict[str, torch.Tensor]] = []
    learn, fit = learning.fit, members.fit

    def noted(spec, task, inputs, *, train_rows, val_rows, **more):  # type: ignore[no-untyped-def]
        patients = [case.patient for case in inputs.cases]
        asked.append(({patients[row] for row in train_rows}, {patients[row] for row in val_rows}))
        return learn(spec, task, inputs, train_rows=train_rows, val_rows=val_rows, **more)

    def noted_begin(*given, begin, **more):  # type: ignore[no-untyped-def]
        begun.append(begin)
        return fit(*given, begin=begin, **more)

    monkeypatch.setattr(learning, "fit", noted)
    monkeypatch.setattr(members, "fit", noted_begin)
    epochs: list[tuple[int, EpochRecord]] = []
    trained = train(boxed, tmp_path / "B", plan=plan, on_epoch=lambda *given: epochs.append(given))
    assert len(asked) == 2
    for learned, validated in asked:
        assert learned
        assert not learned & validated
    assert asked[0] == asked[1][::-1]
    assert [(member, record.stage, record.epoch) for member, record in epochs] == [
        (member, stage, epoch)
        for member in (0, 1)
        for stage, count in (("lesions", 2), ("", 3))
        for epoch in range(1, count + 1)
    ]
    assert all("answer.weight" in weights and weights["answer.weight"].shape[0] == 3 for weights in begun)
    assert trained.bundle.training.seconds > sum(
        record.seconds for result in trained.members for record in result.history
    )
    assert not (tmp_path / "B.training").exists()


def test_what_was_learned_of_lesions_is_where_the_images_begin(plan: Plan) -> None:
    of_squares = lesion_plan(plan)
    learned = setup(of_squares, task_of(of_squares), member=0).network.state_dict()
    begun = setup(plan, task_of(plan), member=1, begin=learned).network.state_dict()
    for key, value in begun.items():
        if key.startswith("answer."):
            assert value.shape[0] == 2
        else:
            torch.testing.assert_close(value, learned[key])


def test_a_stopped_training_goes_on_after_the_lesions(
    boxed: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = train(boxed, tmp_path / "A", plan=plan)
    monkeypatch.setattr("hounsfield.learning.supervised.CHECKPOINT_SECONDS", 0.0)

    def stop(member: int, record: EpochRecord) -> None:
        if member == 1 and not record.stage and record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(boxed, tmp_path / "B", plan=plan, on_epoch=stop)
    steps: list[str] = []
    real = learning.fit.__globals__["train_epoch"]
    monkeypatch.setitem(
        learning.fit.__globals__, "train_epoch", lambda *given, **more: steps.append("epoch") or real(*given, **more)
    )
    resumed = train(boxed, tmp_path / "B", plan=plan)
    assert steps == ["epoch"]
    for one, other in zip(undisturbed.members, resumed.members, strict=True):
        assert all(torch.equal(value, other.weights[key]) for key, value in one.weights.items())


def test_other_boxes_let_the_networks_begin_anew(
    boxed: Dataset, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(member: int, record: EpochRecord) -> None:
        if not record.stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(boxed, tmp_path / "B", plan=plan, on_epoch=stop)
    moved = tuple(replace(case, boxes=(replace(case.boxes[0], x1=case.boxes[0].x1 + 2),)) for case in boxed.cases)
    train(replace(boxed, cases=moved), tmp_path / "B", plan=plan)
    assert "its networks begin anew" in capsys.readouterr().err


def test_boxes_that_the_data_do_not_have_are_named(
    tiny_dataset: Dataset, boxed: Dataset, plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="labelled dull, bright first, of which tiny has none; name them in .box."):
        prepare_lesions(tiny_dataset, tiny_dataset.cases, plan, tmp_path)
    assert prepare_lesions(boxed, boxed.cases, plan.model_copy(update={"lesions": Lesions()}), tmp_path) is None
