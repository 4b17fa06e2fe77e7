"""Choosing by trying: the best is taken, what failed or has changed does not decide, and nothing is tried in vain."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.fingerprint import make_fingerprint
from hounsfield.datasets.split import make_split
from hounsfield.errors import PlanError, StorageError, TrainingError
from hounsfield.learning import candidates, choosing
from hounsfield.learning.choosing import choose_plan_and_split
from hounsfield.plan import Plan
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, RESIDUAL, family_of, probe
from hounsfield.tasks.classification import Classification

pytestmark = pytest.mark.usefixtures("one_thread", "quick")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials of an epoch or two, of two families, in few minutes and with few patients."""
    monkeypatch.setattr(choosing, "images_per_second", lambda plan: 20.0)
    monkeypatch.setattr(candidates, "FEWEST_PATIENTS", 5)
    monkeypatch.setattr(candidates, "FEWEST_MINUTES", 1.5)
    monkeypatch.setattr(choosing, "candidates_for", lambda fingerprint: (CONVNET, RESIDUAL))


def test_several_networks_are_tried_and_the_best_is_taken(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "candidates_for", lambda fingerprint: (family_of("convnet"), probe(DEFAULT_BACKBONE)))
    plan, split = choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)
    assert split.sha256 == make_split(tiny_dataset, seed=0).sha256
    why = plan.reasons["network.name"]
    assert "tried on 12 cases held back: AUC " in why
    assert "convnet" in why
    assert f"{DEFAULT_BACKBONE}:probe" in why
    monkeypatch.setattr(candidates, "_try", lambda *given: pytest.fail("tried again"))
    again, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)
    assert again.network == plan.network


def test_of_those_that_cannot_be_told_apart_the_first_is_taken() -> None:
    def tried(name: str, score: float, *, spread: float = 0.02, sign: float = 1.0) -> candidates.Tried:
        draws = (score + sign * spread, score - sign * spread)
        return candidates.Tried(name, score, seconds=1.0, plan="", key="", draws=draws)

    best, poor = tried("best", 0.86), tried("poor", 0.70)
    alike, opposite = tried("alike", 0.85), tried("opposite", 0.85, sign=-1.0)
    failed = candidates.Tried("failed", float("nan"), seconds=1.0, plan="", key="")
    # a difference of 0.01: always the same where both rise and fall together, 0.01 ± 0.04 where they do not
    assert candidates._first_of_the_best([failed, poor, alike, best]) is best
    assert candidates._first_of_the_best([failed, poor, opposite, best]) is opposite
    assert candidates._first_of_the_best([failed, failed]) is failed
    probe = tried("lite0:probe", 0.90)
    learns, hopeless = tried("lite0", 0.83, sign=-1.0), tried("lite0", 0.81, sign=-1.0)  # 0.07 and 0.09 below, ± 0.04
    assert candidates._first_of_the_best([learns, probe]) is learns
    assert candidates._first_of_the_best([hopeless, probe]) is probe
    assert candidates._first_of_the_best([tried("convnet", 0.83, sign=-1.0), tried("lite0", 0.90)]).name == "lite0"
    assert best.standard_error == pytest.approx(0.02)
    words = candidates._words({"opposite": opposite, "best": best}, opposite, {"a", "b"})
    assert words == (
        "tried on 2 cases held back: AUC best 0.860 ± 0.020, opposite 0.850 ± 0.020; within a standard error more is "
        "to be expected of it in more time"
    )


def test_the_spread_of_an_area_is_near_the_formula_of_hanley_and_mcneil() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1], 100)
    logits = np.stack([np.zeros(200), rng.normal(size=200) + 1.2 * targets], axis=1)
    task = Classification(("a", "b"))
    area = task.validation_score(logits, targets)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    formula = np.sqrt((area * (1 - area) + 99 * (one - area**2) + 99 * (two - area**2)) / 100**2)
    patients = [f"p{number}" for number in range(200)]
    assert candidates._spread(candidates._drawn(task, logits, targets, patients)) == pytest.approx(formula, rel=0.2)
    fours = [f"p{number // 4}" for number in range(200)]
    same = np.repeat(logits[::4], 4, axis=0)
    assert candidates._spread(candidates._drawn(task, same, targets, fours)) == pytest.approx(2 * formula, rel=0.3)


def test_trials_of_an_earlier_version_are_made_again(tiny_dataset: Dataset, tmp_path: Path) -> None:
    _, split = choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)
    cases = [case for part in ("train", "val") for case in split.select(tiny_dataset, part)]
    path = tmp_path / "trials.json"
    kept = json.loads(path.read_text())
    assert len(candidates._earlier(tmp_path, cases)) == 2
    first, second = kept
    del first["draws"]
    second["words"] = "of a version that kept them"
    path.write_text(json.dumps(kept))
    assert candidates._earlier(tmp_path, cases) == {}


def test_more_is_expected_of_a_fine_tuned_network_than_of_one_from_scratch_but_on_tiny_images_and_volumes(
    tiny_dataset: Dataset,
) -> None:
    fingerprint = make_fingerprint(tiny_dataset)

    def names(shape: tuple[int, int, int]) -> list[str]:
        changed = replace(fingerprint, shape_median=shape, planar=shape[0] == 1)
        return [family.name for family in candidates.candidates_for(changed)]

    assert names((1, 96, 96)) == [DEFAULT_BACKBONE, "convnet", f"{DEFAULT_BACKBONE}:probe"]
    assert names((1, 28, 28)) == ["convnet", DEFAULT_BACKBONE, f"{DEFAULT_BACKBONE}:probe", "residual"]
    assert names((64, 64, 64)) == ["residual", "convnet", "slices"]


def test_a_candidate_too_large_for_the_memory_is_passed_over(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choosing, "step_bytes", lambda plan: 10**18 * (plan.network.name == "residual"))
    families = (family_of("residual"), family_of("convnet"))
    monkeypatch.setattr(choosing, "candidates_for", lambda fingerprint: families)
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)
    assert plan.network.name == "convnet"
    assert "residual is passed over: a training step of the network 'residual' on 2 images" in capsys.readouterr().err
    monkeypatch.setattr(choosing, "step_bytes", lambda plan: 10**18)
    with pytest.raises(PlanError, match="use a machine with more memory"):
        choose_plan_and_split(tiny_dataset, tmp_path / "other", minutes=2, seed=0)


@pytest.mark.parametrize("minutes", [0.01, 2.0])  # too few for a trial; enough, but only a plan is asked for
def test_where_nothing_is_tried_the_first_that_fits_into_memory_is_planned(
    tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], minutes: float
) -> None:
    monkeypatch.setattr(choosing, "step_bytes", lambda plan: 10**18 * (plan.network.name == "convnet"))
    plan, _ = choose_plan_and_split(tiny_dataset, None, minutes=minutes, seed=0)
    assert plan.network.name == "residual"
    assert "; not tried: " in plan.reasons["network.name"]
    assert "convnet is passed over: a training step of the network 'convnet' on 2 images" in capsys.readouterr().err
    monkeypatch.setattr(choosing, "step_bytes", lambda plan: 10**18)
    with pytest.raises(PlanError, match="the network 'residual' .* use a machine with more memory"):
        choose_plan_and_split(tiny_dataset, None, minutes=minutes, seed=0)


def test_nothing_is_tried_in_few_minutes(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_try", lambda *given: pytest.fail("tried"))
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=0.01, seed=0)
    assert "not tried: too few minutes" in plan.reasons["network.name"]
    monkeypatch.undo()  # the house's own figure
    cases = [replace(case, patient=f"{case.patient}-{number}") for number, case in enumerate(tiny_dataset.cases)]
    assert candidates._why_not(cases, minutes=5.9) == "too few minutes"
    assert candidates._why_not(cases, minutes=6.0) == ""


def test_a_trial_that_fails_leaves_the_choice_to_the_others(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = candidates.fit_member

    def diverges(plan: Plan, *given: Any, **more: Any) -> Any:
        if plan.network.name in failing:
            raise TrainingError("the training loss became nan in epoch 1")
        return real(plan, *given, **more)

    monkeypatch.setattr(candidates, "fit_member", diverges)
    failing = {"convnet"}
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)
    assert plan.network.name == "residual"
    assert plan.reasons["network.name"].endswith("; convnet failed")
    assert "the trial of convnet (24 × 24) failed: the training loss became nan" in capsys.readouterr().err
    (tmp_path / "both").mkdir()
    failing = {"convnet", "residual"}
    plan, _ = choose_plan_and_split(tiny_dataset, tmp_path / "both", minutes=2, seed=0)
    assert plan.network.name == "convnet"
    assert plan.reasons["network.name"].endswith("; convnet, residual failed")


def test_a_full_disk_is_no_fault_of_the_candidate(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(candidates, "prepare_inputs", full)
    with pytest.raises(StorageError, match="the disk is full"):
        choose_plan_and_split(tiny_dataset, tmp_path, minutes=2, seed=0)


def test_a_trial_with_nothing_to_validate_on_fails_in_a_sentence(
    tiny_dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [case for case in tiny_dataset.cases if case.target is not None]
    held_back = set(candidates.make_folds(tiny_dataset, [case.id for case in cases], folds=3, seed=0)[0])
    missing = replace(cases[0].images["image"], index=999)
    unreadable = [replace(case, images={"image": missing}) if case.id in held_back else case for case in cases]
    plan = choose_plan_and_split(tiny_dataset, minutes=2, seed=0)[0]
    found = candidates._try(tiny_dataset, unreadable, held_back, CONVNET, tmp_path, plan)
    assert np.isnan(found.score)
    assert "and 0 to validate on, after 14 that cannot be read" in capsys.readouterr().err


def test_trials_of_images_that_changed_since_are_made_again(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    choose_plan_and_split(tiny_dataset, folder, minutes=2, seed=0)
    tried: list[str] = []
    real = candidates._try

    def counted(*given: Any) -> Any:
        tried.append(given[3].name)
        return real(*given)

    monkeypatch.setattr(candidates, "_try", counted)
    choose_plan_and_split(tiny_dataset, folder, minutes=2, seed=0)
    assert tried == []
    os.utime(tmp_path / "tiny.npz", (1, 1))
    choose_plan_and_split(tiny_dataset, folder, minutes=2, seed=0)
    assert tried == ["convnet", "residual"]


def test_nothing_is_tried_where_a_class_has_too_few_patients_or_only_a_plan_is_asked_for(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_try", lambda *given: pytest.fail("tried"))
    plan, _ = choose_plan_and_split(tiny_dataset, None, minutes=2, seed=0)
    assert plan.reasons["network.name"].endswith("; not tried: only a plan was asked for")
    # all squares are of three women, one in each part: two are left to learn from and to validate on
    cases = tuple(
        replace(case, patient=f"woman-{n % 3}" if case.target == 1 else f"other-{n}")
        for n, case in enumerate(tiny_dataset.cases)
    )
    plan, _ = choose_plan_and_split(replace(tiny_dataset, cases=cases), tmp_path, minutes=2, seed=0)
    assert plan.reasons["network.name"].endswith("; not tried: only 2 patients of a class")


@pytest.mark.parametrize(("asked", "trials"), [(4.0, [0.3, 0.6, 0.3]), (60.0, [1.5, 3.0, 1.5])])
def test_each_trial_takes_its_share_of_the_minutes_and_all_together_no_more_than_six(
    tiny_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: float, trials: list[float]
) -> None:
    minutes: list[float] = []
    slow = replace(RESIDUAL, trial=2.0)
    monkeypatch.setattr(choosing, "candidates_for", lambda fingerprint: (CONVNET, slow, probe(DEFAULT_BACKBONE)))
    real = choosing.make_plan

    def noted(*given: Any, **more: Any) -> Plan:
        minutes.append(more["minutes"])
        return real(*given, **more | {"minutes": 0.01})

    monkeypatch.setattr(choosing, "make_plan", noted)
    choose_plan_and_split(tiny_dataset, tmp_path, minutes=asked, seed=0)
    assert minutes[:3] == pytest.approx(trials)
