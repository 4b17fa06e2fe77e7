"""Cases of several images, through the whole loop: what is seen of a view counts, what was not taken does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hounsfield.datasets.case import Case, Dataset, ImageRef
from hounsfield.datasets.split import make_split
from hounsfield.errors import DatasetError
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.classes import training_batch
from hounsfield.learning.inputs import prepare_inputs
from hounsfield.learning.train import train
from hounsfield.plan import ConvNetChoice, MultipleInstanceChoice, Plan
from hounsfield.plan.network_input import case_array
from hounsfield.reading.evaluate import evaluate
from hounsfield.reading.reader import Reader

MakeTinyPlan = Callable[..., Plan]
SMALL = ConvNetChoice(widths=(4, 8), pool_after=(1, 2))


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """Small networks are slower with more."""


@pytest.fixture
def breasts(tmp_path: Path) -> Dataset:
    """80 cases with a CC view, three of four with an MLO view too; a positive one has a bright square in one."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 60, (160, 16, 16), dtype=np.uint8)
    cases = []
    for number in range(80):
        views = {"CC": ImageRef(tmp_path / "views.npz", "images", 2 * number)}
        if number % 4:
            views["MLO"] = ImageRef(tmp_path / "views.npz", "images", 2 * number + 1)
        target = (number // 4) % 2
        if target:
            row = 2 * number + (number % len(views))
            images[row, 4:12, 4:12] = 250
        cases.append(Case(f"breast-{number}", f"woman-{number}", views, target=target))
    np.savez(tmp_path / "views.npz", images=images)
    return Dataset("breasts", tmp_path, tuple(cases), ("plain", "square"), "table", views=("CC", "MLO"))


def plan_of(make: MakeTinyPlan, **changed: object) -> Plan:
    network = MultipleInstanceChoice(over="views", encoder=SMALL)
    return make(**({"network": network, "views": ("CC", "MLO"), "epochs": 15, "dataset": "breasts"} | changed))


def test_views_lie_one_after_another_and_a_missing_one_is_zero(
    breasts: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    spec = plan_of(make_tiny_plan).input
    whole, lacking = case_array(breasts.cases[1], spec), case_array(breasts.cases[0], spec)
    assert whole.shape == lacking.shape == (2, 16, 16)
    assert whole[1].any()
    assert lacking[0].any()
    assert not lacking[1].any()
    (tmp_path / "run").mkdir()
    inputs = prepare_inputs(breasts, breasts.cases, spec, tmp_path / "run", threads=2)
    np.testing.assert_allclose(inputs.voxels[1], whole, atol=1e-3)


def test_a_square_in_either_view_is_learned_and_read(
    breasts: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    bundle = train(breasts, tmp_path / "B", plan=plan_of(make_tiny_plan), split=make_split(breasts, seed=0)).bundle
    measured = evaluate(bundle, breasts, which="all", resamples=50)
    assert measured.failures == ()
    assert measured.evidence.scores["auc_roc"].value > 0.95
    reader = Reader(bundle)
    case = breasts.cases[4]
    reading = reader.read_case(case, reader.load_case(case))
    assert reading.notes[0] == "From CC; without MLO."
    assert reading.answers[0].label == "square"
    both = breasts.cases[5]
    assert reader.read_case(both, reader.load_case(both)).notes[0] == "From CC, MLO."


def test_a_view_that_was_not_taken_stays_so_in_augmentation(
    breasts: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = plan_of(make_tiny_plan, bias=0.2, gain=0.2)
    (tmp_path / "run").mkdir()
    inputs = prepare_inputs(breasts, breasts.cases, plan.input, tmp_path / "run", threads=2)
    images, _ = training_batch(plan, inputs, np.arange(8), generator=torch.Generator().manual_seed(0))
    seen = images.flatten(2).any(dim=2)
    assert seen[:, 0].all()
    assert seen[:, 1].tolist() == [bool(number % 4) for number in range(8)]


def test_the_plan_for_such_cases_looks_at_each_view(breasts: Dataset) -> None:
    plan, _ = choose_plan_and_split(breasts, minutes=0.05, seed=0, network="convnet")
    assert isinstance(plan.network, MultipleInstanceChoice)
    assert (plan.network.over, plan.network.encoder.name, plan.input.views) == ("views", "convnet", ("CC", "MLO"))
    assert "attention" in plan.reasons["input.views"]


def test_a_plan_for_one_image_refuses_cases_of_two(
    breasts: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="has 2 images"):
        case_array(breasts.cases[1], make_tiny_plan().input)
    one = replace(breasts, cases=breasts.cases[:1])
    assert case_array(one.cases[0], make_tiny_plan().input).shape == (1, 16, 16)


def test_data_of_which_no_view_is_the_plans_are_refused(
    breasts: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = plan_of(make_tiny_plan, epochs=1)
    bundle = train(breasts, tmp_path / "B", plan=plan, split=make_split(breasts, seed=0)).bundle
    single = tuple(replace(case, images={"image": case.images["CC"]}) for case in breasts.cases)
    others = replace(breasts, cases=single, views=("image",))
    with pytest.raises(DatasetError, match="has the views image, and the plan is for CC, MLO"):
        evaluate(bundle, others, which="all", resamples=50)
    with pytest.raises(DatasetError, match="breasts has the views image, and the plan is for CC, MLO"):
        train(others, tmp_path / "C", plan=plan, split=make_split(others, seed=0))
    with pytest.raises(DatasetError, match="the case 'breast-0' has the views image"):
        case_array(others.cases[0], plan.input)
    reader = Reader(bundle)
    with pytest.raises(DatasetError, match="the case 'breast-0' has the views image"):
        reader.read_case(others.cases[0], reader.load_case(others.cases[0]))
