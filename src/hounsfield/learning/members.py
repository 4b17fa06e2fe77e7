"""One network of an ensemble: trained by steps, or solved at once where only its answer is learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hounsfield.arrays import IntArray
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.probe import fit_probe
from hounsfield.learning.supervised import Fitted, fit
from hounsfield.plan import Plan
from hounsfield.tasks.task import Task


def fit_member(
    plan: Plan,
    task: Task,
    inputs: Inputs,
    *,
    train_rows: IntArray,
    val_rows: IntArray,
    member: int,
    checkpoint: Path,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
) -> Fitted:
    """As `supervised.fit`; a linear probe is solved anew each time, for it takes no time once its features,
    which are kept beside the checkpoint, are there.

    Raises:
        TrainingError, StorageError: As `supervised.fit`.
        WeightsError, BundleError: The weights to start from are not at hand, or do not fit.
    """
    if not plan.optimisation.head_only:
        return fit(
            plan,
            task,
            inputs,
            train_rows=train_rows,
            val_rows=val_rows,
            member=member,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
        )
    fitted = fit_probe(plan, task, inputs, train_rows=train_rows, val_rows=val_rows, folder=checkpoint.parent)
    for record in fitted.history:
        on_epoch(record)
    return fitted
