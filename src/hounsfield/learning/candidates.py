"""Choosing a network by trying: each candidate learns for a share of the minutes, and the validation cases decide.

Of candidates that the cases cannot tell apart, the first is taken, for they stand in the order of what is to be
expected of them with all the minutes: a short trial flatters a network that has nothing more to learn.

Reference:
    Breiman, Friedman, Olshen, Stone, "Classification and Regression Trees" (1984), 3.4.3 (the one-standard-error rule).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.atomic import write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.split import make_folds
from hounsfield.errors import HounsfieldError, PlanError, StorageError, WeightsError
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.learning.classes import ClassLesson, predict_rows
from hounsfield.learning.inputs import inputs_key, prepare_inputs
from hounsfield.learning.lesions import lesions_key, prepare_lesions
from hounsfield.learning.members import fit_member
from hounsfield.learning.supervised import setup
from hounsfield.learning.transfer import imagenet_digest
from hounsfield.networks.weights import at_hand
from hounsfield.plan import Plan, plan_from_text, plan_to_text
from hounsfield.plan.choices import TRIED
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, PROBE, RESIDUAL, Family, fine_tuned, over_slices, probe
from hounsfield.plan.inputs import SMALLEST_SLICE
from hounsfield.plan.task import task_of
from hounsfield.progress import say
from hounsfield.tasks.task import Task

AUTO = "auto"
"""What `--network` says where the plan shall choose."""

TRIAL_SHARE = 0.3
"""Of the minutes, for all candidates together; what is not used goes to the training."""

MOST_TRIAL_MINUTES = 6.0
"""For all candidates together, however many there are: a long training is not for trials."""

FEWEST_MINUTES = 6.0
"""With less, nothing is tried: a trial of seconds says more about its length than about the candidate. In 5 minutes of
breast ultrasound such trials once chose five layers, whose AUC was .910, where fine-tuning gave .919 and .928."""

FEWEST_PATIENTS = 30
"""With fewer, the validation cases cannot tell two candidates apart."""

_DRAWS = 200
"""Bootstrap draws of patients that standard errors are taken from."""

_HELD_BACK = 3
"""One part in so many is validated on; the others are learned from."""

_TRIAL = "trial"
"""Name of a trial's checkpoints."""

_TINY = 64
"""Longer side, in pixels, of images that hold little of what photographs teach: most is to be expected of a small
network from scratch, and a residual one is worth a trial."""


@dataclass(frozen=True)
class Tried:
    """A candidate, and how well it did."""

    name: str
    score: float
    """The task's validation score on the cases held back; NaN where the trial failed."""
    seconds: float
    plan: str
    """That was followed, as TOML."""
    key: str
    """Of the images and weights that were learned from, as `_key_of`."""
    draws: tuple[float, ...] = ()
    """The score on bootstrap draws of patients, the same for all candidates; NaN where a draw has none."""

    @property
    def standard_error(self) -> float:
        """Of the score, over patients; NaN where the trial failed."""
        return _spread(self.draws)


_FIELDS = {one.name for one in fields(Tried)}


def candidates_for(fingerprint: Fingerprint) -> tuple[Family, ...]:
    """The networks worth trying on such data, in the order of what is to be expected of them with enough minutes."""
    pretrained = at_hand(DEFAULT_BACKBONE)
    if not fingerprint.planar:
        slices_fit = min(fingerprint.shape_median[1:]) >= SMALLEST_SLICE
        return (RESIDUAL, CONVNET, *([over_slices(DEFAULT_BACKBONE)] if pretrained and slices_fit else []))
    if max(fingerprint.shape_median) <= _TINY:
        return (CONVNET, *([fine_tuned(DEFAULT_BACKBONE), probe(DEFAULT_BACKBONE)] if pretrained else []), RESIDUAL)
    if not pretrained:
        return (CONVNET, RESIDUAL)
    return (fine_tuned(DEFAULT_BACKBONE), CONVNET, probe(DEFAULT_BACKBONE))


def choose_family(
    dataset: Dataset,
    cases: Sequence[Case],
    candidates: Sequence[Family],
    folder: Path | None,
    *,
    minutes: float,
    seed: int,
    plan_for: Callable[[Family, float], Plan],
) -> tuple[Family, str, float]:
    """The first candidate that is not worse than the best by more than the standard error of the difference, or twice
    that where the best is a probe.

    All are validated on the same held-back patients. It comes with the reason in words, and the minutes that are left.

    What a trial gave is kept in `folder`, so that a stop loses one candidate at most. A trial that fails is scored NaN
    and named, and the others decide.

    Args:
        dataset: Where the cases come from.
        cases: To learn from and to validate on.
        candidates: The most to be expected of first; the first for which there is a plan is taken where nothing can be
            tried.
        folder: The run's; nothing is tried where there is none.
        minutes: For trials and training together.
        seed: Of the cases held back.
        plan_for: The plan of a candidate for so many minutes, with one network; a candidate for which it raises a
            `PlanError` or a `WeightsError`, such as one too large for the memory, is passed over.

    Raises:
        PlanError: There is no plan for any candidate.
        StorageError: The disk refused.
    """
    if len(candidates) == 1:
        return candidates[0], "", minutes
    why_not = _why_not(cases, minutes)
    if folder is None or why_not:
        why_not = why_not or "only a plan was asked for"
        first = next(
            family for family in candidates if _planned(family, minutes, plan_for, needed=family is candidates[-1])
        )
        return first, f"{first.reason}; not tried: {why_not}", minutes
    held_back = set(make_folds(dataset, [case.id for case in cases], folds=_HELD_BACK, seed=seed)[0])
    tried = _earlier(folder, cases)
    share = min(minutes * TRIAL_SHARE, MOST_TRIAL_MINUTES) / sum(family.trial for family in candidates)
    possible: list[Family] = []
    for family in candidates:
        if family.name not in tried:
            needed = family is candidates[-1] and not possible
            plan = _planned(family, share * family.trial, plan_for, needed=needed)
            if plan is None:
                continue
            tried[family.name] = _try(dataset, cases, held_back, family, folder, plan)
            _keep(folder, tried)
        possible.append(family)
    best = _first_of_the_best([tried[family.name] for family in possible])
    chosen = next(family for family in possible if family.name == best.name)
    used = sum(one.seconds for one in tried.values()) / 60
    left = max(minutes - used, minutes * (1 - TRIAL_SHARE) / 2)
    return chosen, f"{chosen.reason}; {_words(tried, best, held_back)}", left


def _planned(family: Family, minutes: float, plan_for: Callable[[Family, float], Plan], *, needed: bool) -> Plan | None:
    """The plan of a candidate; None, and a word on the screen, where there is none.

    Raises:
        PlanError, WeightsError: There is none, and it is `needed`, for no other candidate is left.
    """
    try:
        return plan_for(family, minutes)
    except (PlanError, WeightsError) as error:
        if needed:
            raise
        say(f"{family.name} is passed over: {error}")
        return None


def _first_of_the_best(tried: Sequence[Tried]) -> Tried:
    """The first of those that are worse than the best one by at most the standard error of the difference.

    Where the best is a probe, by at most twice that: after seconds it is what it will be after minutes, and a network
    that is trained is not.
    """
    best = max(tried, key=_rank)
    errors = 2.0 if best.name.endswith(PROBE) else 1.0
    return next(
        one for one in tried if one is best or _rank(best) - _rank(one) <= errors * _error_of_difference(best, one)
    )


def _error_of_difference(one: Tried, other: Tried) -> float:
    """Over the same draws of patients for both; 0 where a trial failed."""
    if len(one.draws) != len(other.draws):
        return 0.0
    return float(np.nan_to_num(_spread(np.subtract(one.draws, other.draws))))


def _spread(draws: Sequence[float] | FloatArray) -> float:
    return float(np.nanstd(draws)) if np.isfinite(draws).any() else math.nan


def _words(tried: Mapping[str, Tried], chosen: Tried, held_back: set[str]) -> str:
    in_order = sorted(tried.values(), key=_rank, reverse=True)
    scores = ", ".join(
        f"{one.name} {one.score:.3f} ± {one.standard_error:.3f}" for one in in_order if not math.isnan(one.score)
    )
    failed = ", ".join(one.name for one in in_order if math.isnan(one.score))
    parts = (
        f"{TRIED} {len(held_back)} cases held back: AUC {scores}" if scores else "",
        "" if chosen.name == in_order[0].name else "within a standard error more is to be expected of it in more time",
        failed and f"{failed} failed",
    )
    return "; ".join(filter(None, parts))


def _rank(one: Tried) -> float:
    return -1.0 if math.isnan(one.score) else one.score


def _why_not(cases: Sequence[Case], minutes: float) -> str:
    """Why nothing can be tried; empty where it can."""
    patients, rarest = len({case.patient for case in cases}), rarest_patients(cases)
    if minutes < FEWEST_MINUTES:
        return "too few minutes"
    if patients < FEWEST_PATIENTS:
        return f"only {patients} patients"
    return f"only {rarest} patients of a class" if rarest < _HELD_BACK else ""


def rarest_patients(cases: Sequence[Case]) -> int:
    """Patients of the class that has fewest of them."""
    patients: dict[int, set[str]] = {}
    for case in cases:
        if case.target is not None:
            patients.setdefault(case.target, set()).add(case.patient)
    return min(map(len, patients.values()), default=0)


def _try(
    dataset: Dataset, cases: Sequence[Case], held_back: set[str], family: Family, folder: Path, plan: Plan
) -> Tried:
    """What a candidate gave; NaN, and a word on the screen, where its trial failed.

    Raises:
        StorageError: The disk refused.
    """
    began = time.monotonic()
    shape = " × ".join(map(str, plan.input.shape))
    words = f"{family.name} ({shape})"
    draws: tuple[float, ...] = ()
    try:
        score, draws, epochs = _score(dataset, cases, held_back, folder, plan)
        words = f"{family.name} ({epochs} {shape})"
        say(f"tried {words}: AUC {score:.3f} ± {_spread(draws):.3f}")
    except StorageError:
        raise
    except HounsfieldError as error:
        score = math.nan
        say(f"warning: the trial of {words} failed: {error}")
    seconds = time.monotonic() - began
    return Tried(family.name, score, seconds, plan=plan_to_text(plan), key=_key_of(cases, plan), draws=draws)


def _score(
    dataset: Dataset, cases: Sequence[Case], held_back: set[str], folder: Path, plan: Plan
) -> tuple[float, tuple[float, ...], str]:
    """The score of a network that followed `plan`, that on draws of patients, and how long it learned, in words."""
    inputs = prepare_inputs(dataset, cases, plan.input, folder, threads=plan.optimisation.threads)
    train_rows = inputs.rows([case.id for case in cases if case.id not in held_back])
    val_rows = inputs.rows([case.id for case in cases if case.id in held_back])
    lesson = ClassLesson(task_of(plan), inputs)
    lesson.require_enough(train_rows, val_rows)
    lesions = prepare_lesions(dataset, cases, plan, folder)
    _forget_trial(folder)
    fitted = fit_member(
        plan,
        lesson,
        train_rows=train_rows,
        val_rows=val_rows,
        member=0,
        checkpoint=folder / f"{_TRIAL}.safetensors",
        lesions=lesions,
    )
    _forget_trial(folder)
    network = setup(plan, member=0, learned=True).network
    network.load_state_dict(fitted.weights)
    logits = predict_rows(network, plan, inputs, val_rows, flips=plan.ensemble.flips)
    targets = inputs.targets[val_rows]
    draws = _drawn(lesson.task, logits, targets, [inputs.cases[row].unit for row in val_rows])
    epochs = "features of" if plan.optimisation.head_only else f"{len(fitted.history)} epochs of"
    return lesson.task.validation_score(logits, targets), draws, epochs


def _forget_trial(folder: Path) -> None:
    for path in folder.glob(f"{_TRIAL}*.safetensors"):
        path.unlink()


def _drawn(task: Task, logits: FloatArray, targets: IntArray, patients: Sequence[str]) -> tuple[float, ...]:
    """The validation score on draws of patients, the same draws for all candidates."""
    _, owner = np.unique(np.asarray(patients), return_inverse=True)
    scores = []
    for weights in patient_weights(int(owner.max()) + 1, resamples=_DRAWS, seed=0):
        for times in weights[:, owner].astype(np.int64):
            rows = np.repeat(np.arange(len(owner)), times)
            scores.append(round(task.validation_score(logits[rows], targets[rows]), 5))
    return tuple(scores)


def _earlier(folder: Path, cases: Sequence[Case]) -> dict[str, Tried]:
    """Trials of a run that was stopped, but for those that learned from other images or weights, or say too little."""
    path = folder / "trials.json"
    if not path.is_file():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    found = [Tried(**one | {"draws": tuple(one["draws"])}) for one in kept if set(one) == _FIELDS]
    return {one.name: one for one in found if one.key == _key_of(cases, plan_from_text(one.plan, name=str(path)))}


def _key_of(cases: Sequence[Case], plan: Plan) -> str:
    """Changes when a case, its file, a box that is learned, the preprocessing, or the weights to start from change."""
    return inputs_key(cases, plan.input) + imagenet_digest(plan) + lesions_key(cases, plan)


def _keep(folder: Path, tried: Mapping[str, Tried]) -> None:
    write_text(folder / "trials.json", json.dumps([asdict(one) for one in tried.values()]))
