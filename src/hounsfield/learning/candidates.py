"""Choosing a network by trying: each candidate learns for a share of the minutes, and the validation cases decide."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hounsfield.atomic import write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.split import make_folds
from hounsfield.errors import PlanError
from hounsfield.learning.inputs import prepare_inputs
from hounsfield.learning.members import fit_member
from hounsfield.learning.supervised import predict_rows, setup
from hounsfield.networks.weights import at_hand
from hounsfield.plan import Plan
from hounsfield.plan.families import CONVNET, DEFAULT_BACKBONE, RESIDUAL, Family, fine_tuned, over_slices, probe
from hounsfield.plan.inputs import SMALLEST_SLICE
from hounsfield.plan.task import task_of
from hounsfield.progress import say

AUTO = "auto"
"""What `--network` says where the plan shall choose."""

TRIAL_SHARE = 0.3
"""Of the minutes, for all candidates together; what is not used goes to the training."""

FEWEST_MINUTES = 1.5
"""With less, nothing is tried: a trial of seconds says more about its length than about the candidate."""

FEWEST_PATIENTS = 30
"""With fewer, the validation cases cannot tell two candidates apart."""

_HELD_BACK = 3
"""One part in so many is validated on; the others are learned from."""

_TINY = 64
"""Longer side, in pixels, of images in which a residual network from scratch is worth a trial."""


@dataclass(frozen=True)
class Tried:
    """A candidate, and how well it did."""

    name: str
    score: float
    """The task's validation score on the cases held back."""
    seconds: float
    words: str
    """What was trained, for people."""


def candidates_for(fingerprint: Fingerprint) -> tuple[Family, ...]:
    """The networks worth trying on such data, the likeliest winner first."""
    pretrained = at_hand(DEFAULT_BACKBONE)
    if not fingerprint.planar:
        slices_fit = min(fingerprint.shape_median[1:]) >= SMALLEST_SLICE
        return (RESIDUAL, CONVNET, *([over_slices(DEFAULT_BACKBONE)] if pretrained and slices_fit else []))
    tiny = max(fingerprint.shape_median) <= _TINY
    from_photographs = (fine_tuned(DEFAULT_BACKBONE), probe(DEFAULT_BACKBONE)) if pretrained else ()
    return (*from_photographs, CONVNET, *([RESIDUAL] if tiny or not pretrained else []))


def choose_family(
    dataset: Dataset,
    cases: Sequence[Case],
    candidates: Sequence[Family],
    folder: Path,
    *,
    minutes: float,
    seed: int,
    plan_for: Callable[[Family, float], Plan],
) -> tuple[Family, str, float]:
    """The candidate that did best on the same held-back patients, why in words, and the minutes that are left.

    What a trial gave is kept in `folder`, so that a stop loses one candidate at most.

    Args:
        dataset: Where the cases come from.
        cases: To learn from and to validate on.
        candidates: The likeliest winner first; it is taken where nothing can be tried.
        folder: The run's.
        minutes: For trials and training together.
        seed: Of the cases held back.
        plan_for: The plan of a candidate for so many minutes, with one network; a candidate for which it raises a
            `PlanError`, such as one too large for the memory, is passed over.

    Raises:
        PlanError: There is no plan for any candidate.
    """
    patients = len({case.patient for case in cases})
    if len(candidates) == 1 or minutes < FEWEST_MINUTES or patients < FEWEST_PATIENTS:
        why = "too few minutes" if minutes < FEWEST_MINUTES else f"only {patients} patients"
        return candidates[0], "" if len(candidates) == 1 else f"{candidates[0].reason}; not tried: {why}", minutes
    held_back = set(make_folds(dataset, [case.id for case in cases], folds=_HELD_BACK, seed=seed)[0])
    tried = _earlier(folder)
    learning = [family for family in candidates if family.epochs_wanted > 1]
    share = minutes * TRIAL_SHARE / max(1, len(learning))
    possible = list(candidates)
    for family in candidates:
        if family.name not in tried:
            try:
                plan = plan_for(family, share)
            except PlanError as error:
                possible.remove(family)
                if not possible:
                    raise
                say(f"{family.name} is not tried: {error}")
                continue
            tried[family.name] = _try(dataset, cases, held_back, family, folder, plan)
            say(f"tried {tried[family.name].words}: AUC {tried[family.name].score:.3f}")
            _keep(folder, tried)
    best = max(possible, key=lambda family: np.nan_to_num(tried[family.name].score))
    used = sum(one.seconds for one in tried.values()) / 60
    return best, f"{best.reason}; {_words(tried, held_back)}", max(minutes - used, minutes * (1 - TRIAL_SHARE) / 2)


def _words(tried: Mapping[str, Tried], held_back: set[str]) -> str:
    scores = ", ".join(f"{one.name} {one.score:.3f}" for one in sorted(tried.values(), key=lambda one: -one.score))
    return f"tried on {len(held_back)} cases held back: AUC {scores}"


def _try(
    dataset: Dataset, cases: Sequence[Case], held_back: set[str], family: Family, folder: Path, plan: Plan
) -> Tried:
    began = time.monotonic()
    inputs = prepare_inputs(dataset, cases, plan.input, folder, threads=plan.optimisation.threads)
    train_rows = inputs.rows([case.id for case in cases if case.id not in held_back])
    val_rows = inputs.rows([case.id for case in cases if case.id in held_back])
    checkpoint = folder / "trial.safetensors"
    checkpoint.unlink(missing_ok=True)
    task = task_of(plan)
    fitted = fit_member(plan, task, inputs, train_rows=train_rows, val_rows=val_rows, member=0, checkpoint=checkpoint)
    checkpoint.unlink(missing_ok=True)
    network = setup(plan, task, member=0).network
    network.load_state_dict(fitted.weights)
    logits = predict_rows(network, plan, inputs, val_rows, flips=plan.ensemble.flips)
    score = task.validation_score(logits, inputs.targets[val_rows])
    shape = " × ".join(map(str, plan.input.shape))
    epochs = "features of" if plan.optimisation.head_only else f"{len(fitted.history)} epochs of"
    return Tried(family.name, score, time.monotonic() - began, f"{family.name} ({epochs} {shape})")


def _earlier(folder: Path) -> dict[str, Tried]:
    path = folder / "trials.json"
    if not path.is_file():
        return {}
    return {one["name"]: Tried(**one) for one in json.loads(path.read_text(encoding="utf-8"))}


def _keep(folder: Path, tried: Mapping[str, Tried]) -> None:
    write_text(folder / "trials.json", json.dumps([asdict(one) for one in tried.values()]))
