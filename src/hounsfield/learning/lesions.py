"""Lesions first: a network learns squares around boxes, and from elsewhere, before it is shown whole images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.lesions import lesion_squares
from hounsfield.errors import TrainingError
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.inputs import Inputs, prepare_inputs, require_enough
from hounsfield.learning.supervised import Fitted, fit
from hounsfield.plan import Plan
from hounsfield.plan.lesions import lesion_plan
from hounsfield.plan.task import task_of

STAGE = "lesions"
"""What the epochs of this stage are called."""


def prepare_lesions(dataset: Dataset, cases: Sequence[Case], plan: Plan, folder: Path) -> Inputs | None:
    """The squares of some cases as `prepare_inputs` gives them; None where the plan learns none first.

    Raises:
        TrainingError: The plan learns boxes that the data do not have, or fewer than half can be read.
        StorageError: The disk refused.
    """
    if not plan.lesions.epochs:
        return None
    spec = lesion_plan(plan)
    squares = lesion_squares(cases, classes=plan.lesions.classes, side=plan.lesions.side, seed=plan.seed)
    if not squares:
        raise TrainingError(
            f"the plan learns boxes labelled {', '.join(plan.lesions.classes)} first, of which {dataset.name} has "
            "none; name them in [box] of its description, or set lesions.epochs = 0 in the plan"
        )
    of_squares = replace(
        dataset, name=f"squares of {dataset.name}", cases=squares, classes=spec.classes, inputs=(), auxiliary=()
    )
    return prepare_inputs(of_squares, squares, spec.input, folder, threads=plan.optimisation.threads)


def learn_lesions(
    plan: Plan,
    lesions: Inputs,
    *,
    learned: Collection[str],
    validated: Collection[str],
    member: int,
    checkpoint: Path,
    on_epoch: Callable[[EpochRecord], None],
) -> Fitted:
    """A network that has learned the squares of some patients.

    Args:
        plan: For whole images.
        lesions: As `prepare_lesions`.
        learned: Patients to learn from.
        validated: Patients whose squares the epochs are scored on.
        member: Number of the network in the ensemble, from 0.
        checkpoint: As `supervised.fit`.
        on_epoch: Called after each epoch.

    Raises:
        TrainingError: Too few squares are of these patients; or as `supervised.fit`.
        StorageError: As `supervised.fit`.
    """
    spec = lesion_plan(plan)
    train_rows = lesions.rows([case.id for case in lesions.cases if case.patient in learned])
    val_rows = lesions.rows([case.id for case in lesions.cases if case.patient in validated])
    require_enough(lesions, train_rows, val_rows)
    return fit(
        spec,
        task_of(spec),
        lesions,
        train_rows=train_rows,
        val_rows=val_rows,
        member=member,
        checkpoint=checkpoint,
        on_epoch=lambda record: on_epoch(replace(record, stage=STAGE)),
    )
