"""Lesions first: each network learns the squares of the patients it will learn from, and of no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.lesions import ELSEWHERE
from hounsfield.errors import PlanError, TrainingError
from hounsfield.findings import Box
from hounsfield.learning import lesions as learning
from hounsfield.learning import members
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.lesions import lesions_key, prepare_lesions, require_lesions
from hounsfield.learning.lesson import Lesson
from hounsfield.learning.supervised import Fitted, setup
from hounsfield.learning.train import train
from hounsfield.networks.pretrained import Pretrained
from hounsfield.plan import Plan
from hounsfield.plan.lesions import lesion_plan
from hounsfield.plan.network_choices import PretrainedChoice
from hounsfield.plan.schema import Auxiliary, Column, Lesions

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


def test_a_network_learns_squares_of_the_patients_that_it_learns_images_of_and_of_no_others(
    boxed: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_tiny_plan(folds=3).model_copy(update={"lesions": LESIONS})
    of_squares: list[tuple[set[str], set[str]]] = []
    of_images: list[tuple[set[str], set[str]]] = []
    begun: list[dict[str, torch.Tensor]] = []
    fit = learning.fit

    def noted(where: list[tuple[set[str], set[str]]]) -> Any:
        def inner(spec: Plan, lesson: Lesson, *, train_rows: Any, val_rows: Any, **more: Any) -> Fitted:
            patients = [case.patient for case in lesson.inputs.cases]
            where.append(({patients[row] for row in train_rows}, {patients[row] for row in val_rows}))
            if more.get("begin") is not None:
                begun.append(more["begin"])
            return fit(spec, lesson, train_rows=train_rows, val_rows=val_rows, **more)

        return inner

    monkeypatch.setattr(learning, "fit", noted(of_squares))
    monkeypatch.setattr(members, "fit", noted(of_images))
    epochs: list[tuple[int, EpochRecord]] = []
    trained = train(boxed, tmp_path / "B", plan=plan, on_epoch=lambda *given: epochs.append(given))
    assert of_squares == of_images
    assert len({frozenset(validated) for _, validated in of_squares}) == 3
    assert all(not learned & validated for learned, validated in of_squares)
    assert [(member, record.stage, record.epoch) for member, record in epochs] == [
        (member, stage, epoch)
        for member in (0, 1, 2)
        for stage, count in (("lesions", 2), ("", 3))
        for epoch in range(1, count + 1)
    ]
    assert [weights["answer.weight"].shape[0] for weights in begun] == [3, 3, 3]
    alone = sum(record.seconds for result in trained.members for record in result.history)
    assert trained.bundle.training.seconds > alone
    assert {record.stage for result in trained.members for record in result.before} == {"lesions"}
    assert not (tmp_path / "B.training").exists()


def test_what_was_learned_of_lesions_is_where_the_images_begin(plan: Plan) -> None:
    of_squares = lesion_plan(plan)
    learned = setup(of_squares, member=0).network.state_dict()
    begun = setup(plan, member=1, begin=learned).network.state_dict()
    for key, value in begun.items():
        if key.startswith("answer."):
            assert value.shape[0] == 2
        else:
            torch.testing.assert_close(value, learned[key])


def test_what_a_square_shows_a_place_shows(make_tiny_plan: MakeTinyPlan) -> None:
    """The network of whole images begins with the squares' answer at each place, where both have the same classes."""

    def begun(classes: tuple[str, ...]) -> tuple[dict[str, torch.Tensor], Pretrained]:
        lesions = LESIONS.model_copy(update={"classes": classes, "shape": (32, 32)})
        network = PretrainedChoice(backbone="resnet18", pooling="lse")
        plan = make_tiny_plan(network=network, shape=(64, 96)).model_copy(update={"lesions": lesions})
        of_squares = lesion_plan(plan)
        learned = setup(of_squares, member=0).network.state_dict()
        return learned, setup(plan, member=1, begin=learned).network  # type: ignore[return-value]

    learned, network = begun(("plain", "square"))
    torch.testing.assert_close(network.answer.place.weight.detach(), learned["answer.weight"])  # type: ignore[union-attr]
    image = torch.rand(1, 1, 64, 96)
    with torch.inference_mode():
        places = network.eval().feature_maps(image).flatten(2).transpose(1, 2)
        logits = places @ learned["answer.weight"].T + learned["answer.bias"]
        other = logits[..., :2].logsumexp(dim=-1)
        expected = (logits[..., 2] - other).logsumexp(dim=1) - torch.log(torch.tensor(float(places.shape[1])))
        torch.testing.assert_close(network(image)[:, 1], expected)
    learned, network = begun(("square", "plain"))
    torch.testing.assert_close(network.answer.place.weight.detach(), learned["answer.weight"][[0, 2, 1]])  # type: ignore[union-attr]
    learned, network = begun(("dull", "bright"))
    assert not torch.equal(network.answer.place.weight.detach(), learned["answer.weight"])  # type: ignore[union-attr]


def test_columns_are_learned_beside_an_answer_place_by_place(make_tiny_plan: MakeTinyPlan) -> None:
    columns = (Column(name="size", kind="number"),)
    plan = make_tiny_plan(network=PretrainedChoice(backbone="resnet18", pooling="lse"), shape=(64, 64))
    plan = plan.model_copy(update={"auxiliary": Auxiliary(columns=columns)})
    logits, beside = setup(plan, member=0).wrapped(torch.rand(3, 1, 64, 64))
    assert logits.shape == (3, 2)
    assert beside.shape == (3, 1)


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


def test_other_boxes_are_another_training(boxed: Dataset, plan: Plan, tmp_path: Path) -> None:
    def stop(member: int, record: EpochRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(boxed, tmp_path / "B", plan=plan, on_epoch=stop)
    with pytest.raises(TrainingError, match=r"asked for otherwise \(cases\)"):
        train(moved(boxed), tmp_path / "B", plan=plan)


def moved(dataset: Dataset) -> Dataset:
    cases = tuple(replace(case, boxes=(replace(case.boxes[0], x1=case.boxes[0].x1 + 2),)) for case in dataset.cases)
    return replace(dataset, cases=cases)


def test_the_key_of_what_is_learned_first_changes_with_boxes_and_side(boxed: Dataset, plan: Plan) -> None:
    key = lesions_key(boxed.cases, plan)
    assert key == lesions_key(boxed.cases, plan)
    larger = plan.model_copy(update={"lesions": LESIONS.model_copy(update={"side": 8})})
    without = plan.model_copy(update={"lesions": Lesions()})
    assert len({key, lesions_key(moved(boxed).cases, plan), lesions_key(boxed.cases, larger)}) == 3
    assert lesions_key(boxed.cases, without) == ""


def test_boxes_that_the_data_do_not_have_are_named_before_anything_is_begun(
    tiny_dataset: Dataset, boxed: Dataset, plan: Plan, tmp_path: Path
) -> None:
    require_lesions(plan, boxed)
    with pytest.raises(PlanError, match=r"labelled dull, bright first, of which tiny has none .*labels there: none"):
        train(tiny_dataset, tmp_path / "B", plan=plan)
    other = tuple(replace(case, boxes=(Box(5, 5, 9, 9, "bright"),)) for case in boxed.cases)
    with pytest.raises(PlanError, match=r"labelled dull first, .*labels there: bright"):
        train(replace(boxed, cases=other), tmp_path / "B", plan=plan)
    assert not (tmp_path / "B.training").exists()
    assert prepare_lesions(boxed, boxed.cases, plan.model_copy(update={"lesions": Lesions()}), tmp_path) is None


def test_a_fold_without_squares_begins_as_the_plan_does_otherwise(
    boxed: Dataset, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tuple(case if case.patient == "woman-00" else replace(case, boxes=()) for case in boxed.cases)
    trained = train(replace(boxed, cases=few), tmp_path / "B", plan=plan)
    said = capsys.readouterr().err
    assert all(not member.before for member in trained.members)
    assert said.count("begins whole images without lesions") == 2
    assert "squares to learn from and 0 to score on are too few" in said


def test_a_network_that_learned_nothing_of_squares_is_not_begun_from(
    boxed: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fit = learning.fit
    monkeypatch.setattr(learning, "fit", lambda *given, **more: replace(fit(*given, **more), dead=True))
    trained = train(boxed, tmp_path / "B", plan=plan)
    assert all(not member.before for member in trained.members)
    assert "network 2 begins whole images without lesions" in capsys.readouterr().err


def test_squares_that_cannot_be_read_are_named(
    boxed: Dataset, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = (replace(boxed.cases[0], boxes=(Box(500, 500, 504, 504, "bright"),)), *boxed.cases[1:])
    found = prepare_lesions(replace(boxed, cases=typed), typed, plan, tmp_path)
    assert found is not None
    assert [name for name, _ in found.failed] == ["case-00 box-0"]
    assert "warning: 1 of " in capsys.readouterr().err


def test_places_elsewhere_are_chosen_once(
    boxed: Dataset, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare_lesions(boxed, boxed.cases, plan, tmp_path)
    monkeypatch.setattr(learning, "free_place", lambda *given: pytest.fail("chosen again"))
    again = prepare_lesions(boxed, boxed.cases, plan, tmp_path)
    assert first is not None
    assert again is not None
    longer = plan.model_copy(update={"lesions": LESIONS.model_copy(update={"epochs": 9, "mixup": 0.4})})
    assert prepare_lesions(boxed, boxed.cases, longer, tmp_path) is not None
    assert first.key == again.key
    assert sum(case.id.endswith(ELSEWHERE) for case in first.cases) > 20
