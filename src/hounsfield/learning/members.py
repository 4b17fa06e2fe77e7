"""One network of an ensemble: trained by steps, or solved at once where only its answer is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hounsfield.arrays import IntArray
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.lesions import STAGE, learn_lesions
from hounsfield.learning.lesson import Lesson
from hounsfield.learning.probe import fit_probe
from hounsfield.learning.supervised import Fitted, fit
from hounsfield.plan import Plan


def fit_member(
    plan: Plan,
    lesson: Lesson,
    *,
    train_rows: IntArray,
    val_rows: IntArray,
    member: int,
    checkpoint: Path,
    lesions: Inputs | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
) -> Fitted:
    """As `supervised.fit`, after the squares of the same patients where there are `lesions`.

    A linear probe is solved anew each time, for it takes no time once its features, which are kept beside the
    checkpoint, are there.

    Raises:
        TrainingError, StorageError: As `supervised.fit`.
        WeightsError, BundleError: The weights to start from are not at hand, or do not fit.
    """
    if not plan.optimisation.head_only:
        before = None
        if lesions is not None:
            before = learn_lesions(
                plan,
                lesions,
                learned={lesson.inputs.cases[row].patient for row in train_rows},
                validated={lesson.inputs.cases[row].patient for row in val_rows},
                member=member,
                checkpoint=checkpoint.with_stem(f"{checkpoint.stem}-lesions"),
                on_epoch=on_epoch,
            )
        fitted = fit(
            plan,
            lesson,
            train_rows=train_rows,
            val_rows=val_rows,
            member=member,
            checkpoint=checkpoint,
            begin=None if before is None else before.weights,
            on_epoch=on_epoch,
        )
        if before is None:
            return fitted
        return replace(fitted, before=tuple(replace(record, stage=STAGE) for record in before.history))
    folder = checkpoint.parent
    fitted = fit_probe(plan, lesson.task, lesson.inputs, train_rows=train_rows, val_rows=val_rows, folder=folder)
    for record in fitted.history:
        on_epoch(record)
    return fitted
