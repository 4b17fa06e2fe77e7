"""A training that begins from a bundle of folds is validated on patients whom neither has learned from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hounsfield.bundle import Bundle
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.split import Split, make_split
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.rounds import (
    Marks,
    folds_to_keep,
    held_back_by,
    known_before,
    marks_of,
    member_cases,
)
from hounsfield.learning.start import Seen, Start, keep_start
from hounsfield.learning.supervised import setup
from hounsfield.learning.train import train
from hounsfield.learning.transfer import KEPT_WEIGHTS
from hounsfield.plan import Plan

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]
FOLDS = 3


@pytest.fixture
def first(tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path) -> Bundle:
    """A bundle of three folds of all cases but two."""
    fewer = replace(tiny_dataset, cases=tiny_dataset.cases[:-2])
    return train(fewer, tmp_path / "first", plan=make_tiny_plan(folds=FOLDS, epochs=1), split=every(fewer)).bundle


def every(dataset: Dataset) -> Split:
    """A split without a test part."""
    return make_split(replace(dataset, fractions=(0.7, 0.3, 0.0)), seed=5)


def renamed(dataset: Dataset) -> Dataset:
    """The same images as another data set, whose cases and patients have other names."""
    cases = tuple(replace(case, id=f"x{case.id}", patient=f"x{case.patient}") for case in dataset.cases)
    return replace(dataset, name="other", cases=cases)


def patients_of(cases: Sequence[Case]) -> dict[str, str]:
    return {case.id: case.patient for case in cases}


@pytest.mark.parametrize("seed", [0, 1])
def test_patients_stay_in_the_fold_in_which_they_were_held_back(
    first: Bundle, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, seed: int
) -> None:
    other = renamed(tiny_dataset)
    plan = make_tiny_plan(start=str(first.folder), folds=FOLDS, epochs=1, seed=seed)
    start, marks = keep_start(plan, tmp_path), marks_of(other.cases, other.name)
    ids, patients = [case.id for case in other.cases], patients_of(other.cases)
    rounds = member_cases(other, plan, every(other), ids, start=start, marks=marks)
    assert sorted(case for _, validated in rounds for case in validated) == sorted(ids)
    for member, (learned, validated) in enumerate(rounds):
        assert not any(marks[patients[case]] & start.seen_by(member) for case in validated)
        assert set(learned) | set(validated) == set(ids)
        network = setup(plan, member=member, kept=tmp_path / KEPT_WEIGHTS).network
        theirs, own = first.networks()[member].state_dict(), network.state_dict()
        assert all(torch.equal(own[key], value) for key, value in theirs.items() if not key.startswith("answer."))
    assert known_before(rounds, plan, start, marks, patients) == ()
    held_back = held_back_by(rounds, plan, start, marks, patients)
    assert set().union(*held_back) == set().union(*marks.values(), *start.held_back)
    for (learned, validated), own_marks in zip(rounds, held_back, strict=True):
        assert not any(marks[patients[case]] & own_marks for case in learned)
        assert all(marks[patients[case]] <= own_marks for case in validated)


def test_repeats_keep_the_folds_of_the_bundles_repeats(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(folds=2, repeats=2, epochs=1)
    bundle = train(tiny_dataset, tmp_path / "first", plan=plan, split=every(tiny_dataset)).bundle
    other = renamed(tiny_dataset)
    plan = make_tiny_plan(start=str(bundle.folder), folds=2, repeats=3, epochs=1, seed=4)
    second = train(other, tmp_path / "second", plan=plan, split=every(other)).bundle
    assert second.training.members == 6
    assert second.training.warnings == ()


def test_a_bundle_learned_on_from_says_so_and_its_own_figures_are_honest(
    first: Bundle, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    other = renamed(tiny_dataset)
    plan = make_tiny_plan(start=str(first.folder), folds=FOLDS, epochs=1)
    second = train(other, tmp_path / "second", plan=plan, split=every(other)).bundle
    assert second.training.warnings == ()
    third = make_tiny_plan(start=str(second.folder), folds=FOLDS, epochs=1, seed=2)
    assert train(tiny_dataset, tmp_path / "third", plan=third, split=every(tiny_dataset)).bundle.training.warnings == ()
    two = make_tiny_plan(start=str(first.folder), folds=2, epochs=1)
    (words,) = train(other, tmp_path / "two", plan=two, split=every(other)).bundle.training.warnings
    assert "that the bundle it began from had seen: the validation figures are too good" in words


def test_a_bundle_of_an_earlier_version_held_nothing_back(
    first: Bundle, tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    old = replace(first, training=replace(first.training, held_back=()))
    assert folds_to_keep(old, tiny_dataset.cases, "tiny", rarest_patients=20) is None
    start = Start("0", Seen(frozenset(first.training.seen_patients), frozenset(first.training.seen_images)))
    plan, marks = make_tiny_plan(folds=FOLDS), marks_of(tiny_dataset.cases, "tiny")
    ids = [case.id for case in tiny_dataset.cases]
    rounds = member_cases(tiny_dataset, plan, every(tiny_dataset), ids, start=start, marks=marks)
    (words,) = known_before(rounds, plan, start, marks, patients_of(tiny_dataset.cases))
    assert words.startswith(f"{len(ids) - 2} of {len(ids)} cases")


def test_the_plan_keeps_the_folds_of_a_bundle_that_knows_the_patients(
    first: Bundle, tiny_dataset: Dataset, tmp_path: Path
) -> None:
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=0.01, seed=0, network=str(first.folder))
    assert plan.ensemble.folds == FOLDS
    known = len({case.patient for case in tiny_dataset.cases[:-2]})
    assert plan.reasons["ensemble.folds"].startswith("as in the bundle it begins from, which held back")
    asked = folds_to_keep(first, tiny_dataset.cases, "tiny", rarest_patients=FOLDS)
    assert asked is not None
    assert f"held back {known} of {len({case.patient for case in tiny_dataset.cases})} patients" in asked[1]
    assert folds_to_keep(first, tiny_dataset.cases, "tiny", rarest_patients=FOLDS - 1) is None
    strangers = [replace(case, patient=f"y{case.id}", images={}) for case in tiny_dataset.cases]
    assert folds_to_keep(first, strangers, "elsewhere", rarest_patients=20) is None
    one_of_many = [*strangers, tiny_dataset.cases[0]]
    assert folds_to_keep(first, one_of_many, "elsewhere", rarest_patients=20) is None


def by_hand(make_tiny_plan: MakeTinyPlan, **given: list[str]) -> tuple[Plan, Marks, dict[str, str]]:
    """A plan of two folds, and patients a, b, … with these marks, of one case each."""
    marks = {patient: frozenset(own) for patient, own in given.items()}
    return make_tiny_plan(folds=2), marks, {f"case {patient}": patient for patient in marks}


def test_a_patient_of_whom_anything_was_learned_from_was_not_held_back(make_tiny_plan: MakeTinyPlan) -> None:
    plan, marks, patients = by_hand(make_tiny_plan, a=["A", "film X", "film Y"], b=["B", "film Z"])
    start = Start("0", Seen(images=frozenset({"film X"})))
    rounds = [(["case b"], ["case a"]), (["case a"], ["case b"])]
    assert held_back_by(rounds, plan, start, marks, patients) == (frozenset(), marks["b"])
    (words,) = known_before(rounds, plan, start, marks, patients)
    assert words.startswith("1 of 2 cases")


def test_an_image_of_two_patients_was_held_back_by_no_network_that_learned_from_either(
    make_tiny_plan: MakeTinyPlan,
) -> None:
    plan, marks, patients = by_hand(make_tiny_plan, a=["A", "film X"], b=["B", "film X"], c=["C", "film Z"])
    rounds = [(["case b"], ["case a", "case c"]), (["case a", "case c"], ["case b"])]
    assert held_back_by(rounds, plan, Start(), marks, patients) == (marks["c"], frozenset())


def test_a_probe_has_the_features_of_the_first_network(make_tiny_plan: MakeTinyPlan) -> None:
    plan, marks, patients = by_hand(make_tiny_plan, a=["A"], b=["B"])
    start = Start("0", Seen(frozenset({"A", "B"})), (marks["a"], marks["b"]), folds=2)
    rounds = [(["case b"], ["case a"]), (["case a"], ["case b"])]
    assert held_back_by(rounds, plan, start, marks, patients) == (marks["a"], marks["b"])
    assert known_before(rounds, plan, start, marks, patients) == ()
    probe = make_tiny_plan(folds=2, head_only=True)
    assert held_back_by(rounds, probe, start, marks, patients) == (marks["a"], frozenset())
    (words,) = known_before(rounds, probe, start, marks, patients)
    assert words.startswith("1 of 2 cases")


def test_where_a_fold_would_lack_a_class_folds_are_made_anew_and_the_warning_stays(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    marks: Marks = {case.patient: frozenset({case.patient}) for case in tiny_dataset.cases}
    squares = frozenset(case.patient for case in tiny_dataset.cases if case.target == 1)
    start = Start("0", Seen(frozenset(marks)), (squares, frozenset(marks) - squares), folds=2)
    plan, ids = make_tiny_plan(folds=2), [case.id for case in tiny_dataset.cases]
    rounds = member_cases(tiny_dataset, plan, every(tiny_dataset), ids, start=start, marks=marks)
    assert "the folds of the bundle that is begun from cannot be kept" in capsys.readouterr().err
    assert known_before(rounds, plan, start, marks, patients_of(tiny_dataset.cases))


def test_networks_begin_anew_where_the_folds_changed_after_a_stop(
    first: Bundle,
    tiny_dataset: Dataset,
    make_tiny_plan: MakeTinyPlan,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = make_tiny_plan(start=str(first.folder), folds=FOLDS, epochs=1)

    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_dataset, tmp_path / "second", plan=plan, split=every(tiny_dataset), on_written=stop)
    facts = tmp_path / "second.training" / "start.json"
    changed = json.loads(facts.read_text())
    changed["held_back"] = []
    facts.write_text(json.dumps(changed))
    train(tiny_dataset, tmp_path / "second", plan=plan, split=every(tiny_dataset))
    assert "its networks begin anew" in capsys.readouterr().err
