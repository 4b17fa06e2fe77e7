"""A training that begins from a bundle of folds is validated on patients whom neither has learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hounsfield.bundle import Bundle, patient_digest
from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import make_split
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.rounds import Marks, folds_to_keep, held_back_by, known_before, marks_of, member_cases
from hounsfield.learning.start import Start, keep_start
from hounsfield.learning.supervised import setup
from hounsfield.learning.train import train
from hounsfield.learning.transfer import KEPT_WEIGHTS
from hounsfield.plan import Plan
from hounsfield.plan.task import task_of

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
FOLDS = 3


@pytest.fixture
def first(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> Bundle:
    """A bundle of three folds of all cases but two."""
    fewer = replace(tiny_dataset, cases=tiny_dataset.cases[:-2])
    return train(fewer, tmp_path / "first", plan=make_tiny_plan(folds=FOLDS, epochs=1), split=_all(fewer)).bundle


def _all(dataset: Dataset):  # type: ignore[no-untyped-def]
    return make_split(replace(dataset, fractions=(0.7, 0.3, 0.0)), seed=5)


def renamed(dataset: Dataset) -> Dataset:
    """The same images as another data set, whose cases and patients have other names."""
    cases = tuple(replace(case, id=f"x{case.id}", patient=f"x{case.patient}") for case in dataset.cases)
    return replace(dataset, name="other", cases=cases)


@pytest.mark.parametrize("seed", [0, 1])
def test_patients_stay_in_the_fold_in_which_they_were_held_back(
    first: Bundle, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, seed: int
) -> None:
    other = renamed(tiny_dataset)
    plan = make_tiny_plan(start=str(first.folder), folds=FOLDS, epochs=1, seed=seed)
    start, marks = keep_start(plan, tmp_path), marks_of(other.cases, other.name)
    ids = [case.id for case in other.cases]
    rounds = member_cases(other, plan, _all(other), ids, start=start, marks=marks)
    assert sorted(case for _, validated in rounds for case in validated) == sorted(ids)
    for member, (learned, validated) in enumerate(rounds):
        assert not any(marks[case] & start.seen_by(member) for case in validated)
        assert set(learned) | set(validated) == set(ids)
        theirs, own = (
            first.networks()[member].state_dict(),
            setup(plan, task_of(plan), member=member, kept=tmp_path / KEPT_WEIGHTS).network.state_dict(),
        )
        assert all(torch.equal(own[key], value) for key, value in theirs.items() if not key.startswith("answer."))
    assert known_before(rounds, plan, start=start, marks=marks) == ()
    held_back = held_back_by(rounds, plan, start=start, marks=marks)
    assert set().union(*held_back) == set().union(*marks.values(), *start.held_back)
    for (learned, validated), own in zip(rounds, held_back, strict=True):
        assert not any(marks[case] & own for case in learned)
        assert all(marks[case] <= own for case in validated)


def test_a_bundle_learned_on_from_says_so_and_its_own_figures_are_honest(
    first: Bundle, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    other = renamed(tiny_dataset)
    plan = make_tiny_plan(start=str(first.folder), folds=FOLDS, epochs=1)
    second = train(other, tmp_path / "second", plan=plan, split=_all(other)).bundle
    assert second.training.warnings == ()
    third = make_tiny_plan(start=str(second.folder), folds=FOLDS, epochs=1, seed=2)
    assert train(tiny_dataset, tmp_path / "third", plan=third, split=_all(tiny_dataset)).bundle.training.warnings == ()
    two = make_tiny_plan(start=str(first.folder), folds=2, epochs=1)
    (words,) = train(other, tmp_path / "two", plan=two, split=_all(other)).bundle.training.warnings
    assert "that the bundle it began from had seen: the validation figures are too good" in words


def test_the_plan_keeps_the_folds_of_a_bundle_that_knows_the_patients(
    first: Bundle, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=0.01, seed=0, network=str(first.folder))
    assert plan.ensemble.folds == FOLDS
    assert plan.reasons["ensemble.folds"].startswith("as before")
    strangers = marks_of(tiny_dataset.cases, "elsewhere")
    strangers = {name: frozenset({patient_digest("elsewhere", name)}) for name in strangers}
    assert folds_to_keep(first, strangers) is None


def test_where_a_fold_would_lack_a_class_folds_are_made_anew_and_the_warning_stays(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan
) -> None:
    marks: Marks = {case.id: frozenset({case.id}) for case in tiny_dataset.cases}
    squares = frozenset(case.id for case in tiny_dataset.cases if case.target == 1)
    every = frozenset(marks)
    start = Start("0", replace(Start().seen, images=every), (squares, every - squares), folds=2)
    plan = make_tiny_plan(folds=2)
    ids = [case.id for case in tiny_dataset.cases]
    rounds = member_cases(tiny_dataset, plan, _all(tiny_dataset), ids, start=start, marks=marks)
    assert known_before(rounds, plan, start=start, marks=marks)


def test_a_probe_has_the_features_of_one_network(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan) -> None:
    marks: Marks = {case.id: frozenset({case.id}) for case in tiny_dataset.cases}
    ids = list(marks)
    start = Start("0", replace(Start().seen, images=frozenset(ids)), (frozenset(ids[:12]), frozenset(ids[12:])), 2)
    rounds = [(ids[12:], ids[:12]), (ids[:12], ids[12:])]
    assert known_before(rounds, make_tiny_plan(folds=2), start=start, marks=marks) == ()
    (words,) = known_before(rounds, make_tiny_plan(folds=2, head_only=True), start=start, marks=marks)
    assert words.startswith(f"{len(ids) - 12} of {len(ids)} cases")
