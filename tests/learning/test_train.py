"""From a data set to a bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hounsfield.bundle import patient_digest, read_bundle
from hounsfield.datasets.case import Dataset, ImageRef
from hounsfield.datasets.split import make_split, read_split
from hounsfield.errors import PlanError, SplitError, TrainingError, UnknownNameError
from hounsfield.learning import choosing
from hounsfield.learning import train as module
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.learning.rounds import member_cases
from hounsfield.learning.start import Start
from hounsfield.learning.train import Trained, train
from hounsfield.learning.validation import validation_evidence
from hounsfield.plan import Plan

pytestmark = pytest.mark.usefixtures("one_thread")
MakeTinyPlan = Callable[..., Plan]


def unreadable(dataset: Dataset, *numbers: int) -> Dataset:
    missing = {"image": ImageRef(dataset.root / "tiny.npz", "images", 999)}
    cases = [replace(case, images=missing) if n in numbers else case for n, case in enumerate(dataset.cases)]
    return replace(dataset, cases=tuple(cases))


def test_one_network_learns_on_train_and_is_validated_on_val(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plans: list[Plan] = []
    epochs: list[tuple[int, int]] = []
    trained = train(
        tiny_dataset,
        tmp_path / "B",
        plan=make_tiny_plan(),
        on_plan=lambda plan, split: plans.append(plan),
        on_epoch=lambda member, record: epochs.append((member, record.epoch)),
    )
    split = read_split(tmp_path / "B" / "split.json")
    assert plans == [make_tiny_plan()]
    assert epochs == [(0, 1), (0, 2), (0, 3)]
    assert {case.id for case in trained.val_cases} == set(split.ids("val"))
    assert trained.val_logits.shape == (len(split.ids("val")), 2)
    record = trained.bundle.training
    assert record.cases == len(split.ids("train")) + len(split.ids("val")) < 40
    assert (record.members, record.stopped, record.warnings, trained.left_out) == (1, "finished", (), ())


def test_no_patient_of_the_test_part_is_seen(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    split = make_split(tiny_dataset, seed=0)
    bundle = train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(folds=2), split=split).bundle
    test = {patient_digest("tiny", split.patients[case]) for case in split.ids("test")}
    seen = {patient_digest("tiny", split.patients[case]) for case in split.ids("train") + split.ids("val")}
    assert test
    assert set(bundle.training.seen_patients) == seen
    assert not seen & test


def test_with_folds_every_case_is_validated_once_by_a_network_that_had_not_seen_its_patient(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(folds=3, epochs=1)
    split = make_split(tiny_dataset, seed=0)
    ids = [case.id for case in tiny_dataset.cases if split.parts[case.id] != "test"]
    rounds = member_cases(tiny_dataset, plan, split, ids, start=Start(), marks={})
    patient = {case.id: case.patient for case in tiny_dataset.cases}
    for learned, validated in rounds:
        assert sorted([*learned, *validated]) == sorted(ids)
        assert not {patient[case] for case in learned} & {patient[case] for case in validated}
    trained = train(tiny_dataset, tmp_path / "B", plan=plan, split=split)
    assert [case.id for case in trained.val_cases] == ids
    assert len(trained.members) == trained.bundle.training.members == len(trained.bundle.networks()) == 3


def test_repeats_draw_other_folds_and_average_what_each_network_says_of_a_case(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(folds=2, epochs=1)
    repeated = plan.model_copy(update={"ensemble": plan.ensemble.model_copy(update={"repeats": 2})})
    split = make_split(tiny_dataset, seed=0)
    ids = [case.id for case in tiny_dataset.cases if split.parts[case.id] != "test"]
    rounds = member_cases(tiny_dataset, repeated, split, ids, start=Start(), marks={})
    assert len(rounds) == 4
    folds = [frozenset(validated) for _, validated in rounds]
    assert set(folds[:2]) != set(folds[2:])
    once = train(tiny_dataset, tmp_path / "once", plan=plan, split=split)
    twice = train(tiny_dataset, tmp_path / "twice", plan=repeated, split=split)
    assert len(twice.members) == repeated.ensemble.networks == 4
    assert [case.id for case in twice.val_cases] == [case.id for case in once.val_cases] == ids


def test_the_same_seed_gives_the_same_bundle_and_another_seed_another(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plans = {"first": make_tiny_plan(), "again": make_tiny_plan(), "other": make_tiny_plan(seed=1)}
    bundles = {name: train(tiny_dataset, tmp_path / name, plan=plan).bundle for name, plan in plans.items()}
    weights = {name: (bundle.folder / "weights.safetensors").read_bytes() for name, bundle in bundles.items()}
    assert bundles["first"].identity.sha256 == bundles["again"].identity.sha256 != bundles["other"].identity.sha256
    assert weights["first"] == weights["again"] != weights["other"]


def test_a_reason_in_the_plan_does_not_make_another_model(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    plan = make_tiny_plan(epochs=1)
    reasoned = plan.model_copy(update={"reasons": {"optimisation.epochs": "measured at 1234 a second"}})
    one, other = (train(tiny_dataset, tmp_path / name, plan=p).bundle for name, p in (("1", plan), ("2", reasoned)))
    assert one.identity.sha256 == other.identity.sha256


def test_without_a_plan_one_is_made_for_the_minutes(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "images_per_second", lambda plan: 1.0)
    trained = train(tiny_dataset, tmp_path / "B", minutes=1.0, seed=5, network="convnet")
    plan = trained.bundle.plan
    assert (plan.seed, plan.minutes, plan.dataset, plan.classes) == (5, 1.0, "tiny", ("plain", "square"))
    assert plan.optimisation.epochs == 1
    assert plan.reasons["minutes"] == "as asked"
    assert read_split(trained.bundle.folder / "split.json").seed == 5


def test_folds_are_limited_by_the_patients_of_the_rarest_class(
    tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "images_per_second", lambda plan: 1e6)
    # all cases with a square are of three women: one in each part, so two to learn from
    cases = tuple(
        replace(case, patient=f"woman-{n % 3}" if case.target == 1 else f"other-{n}")
        for n, case in enumerate(tiny_dataset.cases)
    )
    plan, _ = choose_plan_and_split(replace(tiny_dataset, cases=cases), minutes=10, seed=0, network="convnet")
    assert plan.ensemble.folds == 1
    plan, _ = choose_plan_and_split(tiny_dataset, minutes=10, seed=0, network="convnet")
    assert plan.ensemble.folds == 5


def test_a_case_that_cannot_be_read_is_left_out_and_named_but_not_in_the_bundle(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    trained = train(unreadable(tiny_dataset, 0, 1), tmp_path / "B", plan=make_tiny_plan(folds=2))
    assert [case for case, _ in trained.left_out] == ["case-00", "case-01"]
    assert "there is no row 999" in trained.left_out[0][1]
    count = trained.bundle.training.cases
    words = f"2 of {count + 2} cases could not be read and were left out of the training."
    assert trained.bundle.training.warnings == (words,)
    assert "case-00" not in (tmp_path / "B" / "bundle.json").read_text()


def test_more_than_half_unreadable_stops_the_training(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="cases of .* cannot be read"):
        train(unreadable(tiny_dataset, *range(30)), tmp_path / "B", plan=make_tiny_plan())
    assert not (tmp_path / "B").exists()


def test_a_class_of_which_nothing_can_be_read_stops_the_training(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    few = replace(tiny_dataset, cases=tuple(case for n, case in enumerate(tiny_dataset.cases) if n % 2 or n < 20))
    squares = [n for n, case in enumerate(few.cases) if case.target == 1]
    with pytest.raises(TrainingError, match=r"\d+ cases of 1 classes are left to learn from and \d+ to validate on"):
        train(unreadable(few, *squares), tmp_path / "B", plan=make_tiny_plan())


def test_more_folds_than_patients_are_refused_before_anything_is_prepared(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "prepare_inputs", lambda *given, **more: pytest.fail("prepared"))
    with pytest.raises(SplitError, match="too few for 20 groups"):
        train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(folds=20))


def test_a_plan_for_other_classes_is_refused_and_leaves_nothing(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    with pytest.raises(PlanError, match="for the classes benign, malignant, the data have plain, square"):
        train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(classes=("benign", "malignant")))
    with pytest.raises(UnknownNameError, match="there is no network 'oracle'; known: auto, convnet, residual, slices"):
        train(tiny_dataset, tmp_path / "B", network="oracle")
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.npz"}


def test_what_is_added_is_added_before_the_run_is_forgotten(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    def stopped(trained: Trained) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(epochs=1), on_written=stopped)
    assert (tmp_path / "B.training").is_dir()
    added: list[Trained] = []
    train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(epochs=1), on_written=added.append)
    assert len(added) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.npz", "B"}


def test_cases_without_a_label_are_not_learned_from(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    cases = tuple(replace(case, target=None) if n < 8 else case for n, case in enumerate(tiny_dataset.cases))
    dataset = replace(tiny_dataset, cases=cases)
    split = make_split(dataset, seed=0)
    trained = train(dataset, tmp_path / "B", plan=make_tiny_plan(epochs=1), split=split)
    labelled = {case.id for case in cases if case.target is not None}
    assert trained.bundle.training.cases == len(labelled - set(split.ids("test")))


def test_the_validation_evidence_is_of_the_validation_cases_and_says_so(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    trained = train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(folds=2, epochs=5, noise=0.0))
    evidence = validation_evidence(trained)
    assert (evidence.split, evidence.cases) == ("val", len(trained.val_cases))
    assert "chosen on these cases" in evidence.notes[0]
    assert evidence.threshold == trained.bundle.operating.threshold
    assert evidence.model == trained.bundle.identity
    shares = trained.bundle.operating.apply(trained.val_logits)
    chances = 1 / (1 + np.exp(shares[:, 0] - shares[:, 1]))
    assert [result.probabilities[1] for result in evidence.results] == pytest.approx(chances.tolist())


def test_the_bundle_names_no_patient_outside_the_split(
    tiny_dataset: Dataset, make_tiny_plan: MakeTinyPlan, tmp_path: Path
) -> None:
    train(tiny_dataset, tmp_path / "B", plan=make_tiny_plan(epochs=1))
    for path in (tmp_path / "B").iterdir():
        content = path.read_bytes()
        assert (b"woman-" in content or b"case-0" in content) == (path.name == "split.json"), path
    manifest = json.loads((tmp_path / "B" / "bundle.json").read_text())
    assert all(len(digest) == 16 for digest in manifest["training"]["seen_patients"])
    assert read_bundle(tmp_path / "B").identity.name == "B"
