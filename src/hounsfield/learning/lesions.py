"""Lesions first: a network learns squares around boxes, and from elsewhere, before it is shown whole images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hounsfield.atomic import write_text
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.lesions import Place, count_lesions, free_place, has_elsewhere, is_whole, lesion_squares
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import HounsfieldError, PlanError, StorageError
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import Inputs, inputs_key, prepare_inputs
from hounsfield.learning.supervised import Fitted, fit
from hounsfield.plan import Input, Plan
from hounsfield.plan.lesions import lesion_plan, others_of
from hounsfield.plan.network_input import prepare_film
from hounsfield.plan.task import task_of
from hounsfield.progress import say

STAGE = "lesions"
"""What the epochs of this stage are called."""


def require_lesions(plan: Plan, dataset: Dataset) -> None:
    """Accept data that have the boxes which a plan learns first.

    Raises:
        PlanError: They do not.
    """
    if not plan.lesions.epochs:
        return
    found = count_lesions([case for case in dataset.cases if case.target is not None]).boxes
    if absent := [name for name in plan.lesions.classes if name not in found]:
        raise PlanError(
            f"the plan learns boxes labelled {', '.join(absent)} first, of which {dataset.name} has none on whole "
            f"images (labels there: {', '.join(found) or 'none'}); name them in [box] of its description, or set "
            "lesions.epochs = 0 in the plan"
        )


def prepare_lesions(dataset: Dataset, cases: Sequence[Case], plan: Plan, folder: Path) -> Inputs | None:
    """The squares of some cases as `prepare_inputs` gives them; None where the plan learns none first.

    Raises:
        TrainingError: Fewer than half of the squares can be read.
        StorageError: The disk refused, or the memory is too short.
    """
    if not plan.lesions.epochs:
        return None
    spec = lesion_plan(plan)
    squares = lesion_squares(
        cases, _elsewhere(cases, plan, folder), classes=plan.lesions.classes, side=plan.lesions.side
    )
    of_squares = replace(
        dataset, name=f"squares of {dataset.name}", cases=squares, classes=spec.classes, inputs=(), auxiliary=()
    )
    found = prepare_inputs(of_squares, squares, spec.input, folder, threads=plan.optimisation.threads)
    if found.failed:
        case, reason = found.failed[0]
        say(f"warning: {len(found.failed)} of {len(squares)} squares are left out, the first of them {case}: {reason}")
    return found


def learn_lesions(
    plan: Plan,
    lesions: Inputs,
    *,
    learned: Collection[str],
    validated: Collection[str],
    member: int,
    checkpoint: Path,
    on_epoch: Callable[[EpochRecord], None],
) -> Fitted | None:
    """A network that has learned the squares of some patients; None, with a warning, where they teach nothing.

    Args:
        plan: For whole images.
        lesions: As `prepare_lesions`.
        learned: Patients to learn from.
        validated: Patients whose squares the epochs are scored on.
        member: Number of the network in the ensemble, from 0.
        checkpoint: As `supervised.fit`.
        on_epoch: Called after each epoch.

    Raises:
        TrainingError, StorageError: As `supervised.fit`.
    """
    spec = lesion_plan(plan)
    train_rows = lesions.rows([case.id for case in lesions.cases if case.patient in learned])
    val_rows = lesions.rows([case.id for case in lesions.cases if case.patient in validated])
    without = f"warning: network {member + 1} begins whole images without lesions, as the plan does otherwise: "
    if len(np.unique(lesions.targets[train_rows])) < 2 or not len(val_rows):
        say(f"{without}{len(train_rows)} squares to learn from and {len(val_rows)} to score on are too few")
        return None
    fitted = fit(
        spec,
        ClassLesson(task_of(spec), lesions),
        train_rows=train_rows,
        val_rows=val_rows,
        member=member,
        checkpoint=checkpoint,
        on_epoch=lambda record: on_epoch(replace(record, stage=STAGE)),
    )
    if fitted.dead:
        say(f"{without}it answers the same to every square")
        return None
    return fitted


def lesions_key(cases: Sequence[Case], plan: Plan) -> str:
    """Changes when a box, its image or what is made of the squares changes; empty where the plan learns none first."""
    if not plan.lesions.epochs:
        return ""
    own = [case for case in cases if is_whole(case)]
    digest = hashlib.sha256(plan.lesions.model_dump_json().encode())
    digest.update(repr([(case.id, case.boxes) for case in own]).encode())
    digest.update(inputs_key(own, lesion_plan(plan).input).encode())
    return digest.hexdigest()


def _elsewhere(cases: Sequence[Case], plan: Plan, folder: Path) -> dict[str, Place]:
    """A place without a lesion on each image that has one, kept in `folder`; a bad image is left to `prepare_inputs`.

    Raises:
        StorageError: The disk refused, or the memory is too short.
    """
    spec, others = lesion_plan(plan).input, others_of(plan)
    asked = [(number, case) for number, case in enumerate(cases) if has_elsewhere(case, others)]
    path = folder / f"elsewhere-{_places_key(asked, plan, spec)[:16]}.json"
    if path.is_file():
        return {name: (x, y) for name, (x, y) in json.loads(path.read_text(encoding="utf-8")).items()}

    def place_of(item: tuple[int, Case]) -> Place | None:
        number, case = item
        film = prepare_film(load(case.image), spec)
        plane = film.voxels[:, 0].mean(axis=0) if film.channels > 1 else film.voxels[0, 0]
        return free_place(plane, case.boxes, plan.lesions.side, np.random.default_rng([plan.seed, number]))

    found: dict[str, Place] = {}
    for (_, case), place in zip(asked, in_threads(place_of, asked, "choosing squares"), strict=True):
        if isinstance(place, StorageError):
            raise place
        if place is not None and not isinstance(place, HounsfieldError):
            found[case.id] = place
    write_text(path, json.dumps(found))
    return found


def _places_key(asked: Sequence[tuple[int, Case]], plan: Plan, spec: Input) -> str:
    """Changes when a box, its image, the steps before squares are cut, their side or the seed changes."""
    before_the_cut = spec.model_copy(update={"shape": (1, 1), "margin": 1.0, "steps": ()})
    cases = [case for _, case in asked]
    digest = hashlib.sha256(inputs_key(cases, before_the_cut).encode())
    digest.update(repr((plan.seed, plan.lesions.side, [(number, case.boxes) for number, case in asked])).encode())
    return digest.hexdigest()
