"""Auxiliary columns teach in training and are gone afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hounsfield.datasets.case import Dataset
from hounsfield.errors import PlanError
from hounsfield.learning import supervised
from hounsfield.learning.auxiliary import WithHeads, auxiliary_loss
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import prepare_inputs
from hounsfield.learning.supervised import fit, setup
from hounsfield.learning.train import train
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.unet import UNet
from hounsfield.plan import Plan
from hounsfield.plan.families import DEFAULT_BACKBONE
from hounsfield.plan.schema import Auxiliary, Column
from hounsfield.plan.task import task_of

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
MARGIN = Column(name="margin", kind="category", values=("round", "spiculated"))
GRADE = Column(name="grade", kind="number", mean=3.0, std=2.0)
NAN = math.nan


def test_the_loss_of_words_and_numbers_by_hand() -> None:
    both = Auxiliary(columns=(MARGIN, GRADE), weight=0.5)
    logits = torch.tensor([[0.0, 0.0, 1.0], [2.0, 2.0, 0.0]])
    targets = torch.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]])
    # words: ln 2 each; numbers: (1 - 3)² / 2 and 0
    assert float(auxiliary_loss(logits, targets, both)) == pytest.approx(0.5 * (math.log(2) + 1.0) / 2)


def test_a_cell_that_is_not_known_teaches_nothing() -> None:
    both = Auxiliary(columns=(MARGIN, GRADE), weight=1.0)
    logits = torch.randn(3, 3, requires_grad=True)
    # unknown, a word that was not learned from, and all unknown
    targets = torch.tensor([[NAN, NAN, 0.0], [0.0, 0.0, 1.0], [NAN, NAN, NAN]])
    auxiliary_loss(logits, targets, both).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[:, :2].abs().max() == 0
    assert (logits.grad[:, 2] != 0).tolist() == [True, True, False]
    nothing = torch.full((3, 3), NAN)
    assert float(auxiliary_loss(logits, nothing, both).detach()) == 0


def test_without_columns_a_network_is_given_all_that_comes_with_its_images() -> None:
    network = UNet(dims=2, channels=1, outputs=2, encoder=ResidualNet(dims=2, channels=1, outputs=1, widths=(4,) * 4))
    images = torch.rand(2, 1, 32, 32)
    levels, beside = WithHeads(network.eval(), Auxiliary())(images, deep=True)
    assert beside is None
    assert [tuple(level.shape[2:]) for level in levels] == [(32, 32), (16, 16), (8, 8)]
    torch.testing.assert_close(levels[0], network(images))


def taught(dataset: Dataset) -> Dataset:
    """The tiny data set with a column that says what its class does, and one that says nothing."""
    cases = []
    for number, case in enumerate(dataset.cases):
        margin = "spiculated" if case.target else "round"
        cases.append(replace(case, auxiliary={"margin": margin, "grade": str(1 + 4 * (number % 2))}))
    return replace(dataset, cases=tuple(cases), auxiliary=("margin", "grade"))


def test_the_answers_to_columns_learn_and_are_no_part_of_the_bundle(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(auxiliary=Auxiliary(columns=(MARGIN, GRADE)), epochs=4)
    bundle = train(taught(tiny_dataset), tmp_path / "B", plan=plan).bundle
    plain = train(tiny_dataset, tmp_path / "C", plan=make_tiny_plan(epochs=4)).bundle
    (network,), (other,) = bundle.networks(), plain.networks()
    assert set(network.state_dict()) == set(other.state_dict())
    assert not torch.equal(network.answer.weight, other.answer.weight)  # type: ignore[union-attr, arg-type]


def test_columns_alone_teach_the_features(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> None:
    # the class says nothing here; what separates the squares from the rest is learned from the column
    dataset = taught(tiny_dataset)
    mixed = tuple(replace(case, target=number % 2) for number, case in enumerate(dataset.cases))
    plan = make_tiny_plan(
        auxiliary=Auxiliary(columns=(MARGIN,), weight=5.0), epochs=30, keep="last", rotation_degrees=0.0, noise=0.0
    )
    dataset = replace(dataset, cases=mixed)
    inputs = prepare_inputs(dataset, mixed, plan.input, tmp_path, threads=1)
    rows = np.arange(len(mixed))
    lesson = ClassLesson(task_of(plan), inputs)
    fitted = fit(plan, lesson, train_rows=rows, val_rows=rows, member=0, checkpoint=tmp_path / "m.safetensors")
    network = setup(plan, member=0).network
    network.load_state_dict(fitted.weights)
    network.eval()
    with torch.no_grad():
        images = torch.from_numpy(np.asarray(inputs.voxels, dtype=np.float32))
        features = network.pooled(images).numpy()  # type: ignore[operator]
    squares = np.array([case.auxiliary["margin"] == "spiculated" for case in mixed])
    between = features[squares].mean(axis=0) - features[~squares].mean(axis=0)
    along = features @ between
    assert along[squares].mean() - along[~squares].mean() > 2 * along[squares].std()


def test_a_plan_whose_columns_the_data_do_not_name_is_refused(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(auxiliary=Auxiliary(columns=(MARGIN,)))
    with pytest.raises(PlanError, match="learns the auxiliary columns margin, which tiny does not name"):
        train(tiny_dataset, tmp_path / "B", plan=plan)


def test_a_training_that_was_stopped_goes_on_with_its_heads(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised, "CHECKPOINT_SECONDS", 0.0)
    dataset, plan = taught(tiny_dataset), make_tiny_plan(auxiliary=Auxiliary(columns=(MARGIN, GRADE)), epochs=4)
    inputs = prepare_inputs(dataset, dataset.cases, plan.input, tmp_path, threads=1)
    rows = np.arange(len(dataset.cases))

    def fitted(name: str, *, stop_after: int = 99) -> dict[str, torch.Tensor]:
        def stop(record: EpochRecord) -> None:
            if record.epoch == stop_after:
                raise KeyboardInterrupt

        return fit(
            plan,
            ClassLesson(task_of(plan), inputs),
            train_rows=rows,
            val_rows=rows,
            member=0,
            checkpoint=tmp_path / f"{name}.safetensors",
            on_epoch=stop,
        ).weights

    whole = fitted("whole")
    with pytest.raises(KeyboardInterrupt):
        fitted("stopped", stop_after=2)
    resumed = fitted("stopped")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_network_without_columns_answers_as_it_is(make_tiny_plan: MakeTinyPlan) -> None:
    plan = make_tiny_plan()
    network = setup(plan, member=0).network.eval()
    images = torch.randn(2, 1, 16, 16)
    logits, beside = WithHeads(network, plan.auxiliary)(images)
    assert beside is None
    assert torch.equal(logits, network(images))


def test_the_plan_takes_the_columns_that_the_description_names_unless_only_an_answer_is_learned(
    tiny_dataset: Dataset,
) -> None:
    plan, _ = choose_plan_and_split(taught(tiny_dataset), minutes=0.05, seed=0, network="convnet")
    assert [column.name for column in plan.auxiliary.columns] == ["margin", "grade"]
    assert plan.reasons["auxiliary.columns"].startswith("what else experts saw")
    probe, _ = choose_plan_and_split(taught(tiny_dataset), minutes=0.05, seed=0, network=f"{DEFAULT_BACKBONE}:probe")
    assert probe.auxiliary.columns == ()
