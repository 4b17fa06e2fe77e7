"""What a network is taught of a class for each case: batches of changed images, their loss, and how it is examined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import TrainingError
from hounsfield.learning.augmentation import (
    Mixing,
    draw_affines,
    draw_intensity,
    draw_mixing,
    only_views,
    views_taken,
    warp,
)
from hounsfield.learning.auxiliary import auxiliary_loss, auxiliary_targets
from hounsfield.learning.inputs import Inputs, images_of, table_of
from hounsfield.learning.lesson import Answers, Exam, Setup, descend, mean_answers, one_by_one
from hounsfield.networks.beside_table import with_table
from hounsfield.plan import Plan
from hounsfield.tasks.predict import centre, memory_order, predict_logits
from hounsfield.tasks.task import Task


@dataclass(frozen=True, eq=False)
class ClassLesson:
    """Prepared cases with a class each."""

    task: Task
    inputs: Inputs

    def expect(self, network: nn.Module, plan: Plan, rows: IntArray) -> None:
        """Nothing: answers of images begin near enough."""

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from a batch of changed images; see `train_step`."""
        mixing = draw_mixing(len(rows), augmentation=plan.augmentation, generator=generator)
        images, targets = training_batch(plan, self.inputs, rows, mixing=mixing, generator=generator)
        columns = auxiliary_targets(self.inputs, rows, plan)
        return train_step(run, plan, self.task, images, targets, columns, mixing)

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """Mean loss and the task's score of some rows as they are."""
        logits = predict_rows(network, plan, self.inputs, rows, flips=False)
        loss, score = scores_of(logits, self.task, self.inputs, rows)
        return Exam(loss, score, _is_dead(logits))

    def answered(self, network: nn.Module, plan: Plan, rows: IntArray, *, flips: bool) -> Answers:
        """Logits of some rows."""
        return Answers(predict_rows(network, plan, self.inputs, rows, flips=flips))

    def together(self, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
        """Each row once, in rising order, with the mean of the logits of the networks that answered it."""
        return mean_answers(one_by_one(self, plan, networks, rows), rows)

    def require_enough(self, train_rows: IntArray, val_rows: IntArray) -> None:
        """Accept rows that can be learned from and validated on.

        Raises:
            TrainingError: Fewer than two classes are left to learn from, or no case to validate on.
        """
        classes = len(np.unique(self.inputs.targets[train_rows]))
        if classes < 2 or len(val_rows) == 0:
            raise TrainingError(
                f"{len(train_rows)} cases of {classes} classes are left to learn from and {len(val_rows)} to validate "
                f"on, after {len(self.inputs.failed)} that cannot be read; two classes and a validation case are "
                "needed: mend the files that inspect names, or use another split"
            )


def train_step(
    run: Setup,
    plan: Plan,
    task: Task,
    images: Tensor,
    targets: Tensor,
    columns: Tensor | None,
    mixing: Mixing | None = None,
) -> Tensor:
    """Learn from one batch; the loss of its answers, a scalar on the CPU, without that of auxiliary columns.

    Args:
        run: What learns.
        plan: The choices.
        task: What is asked.
        images: As `training_batch` gives them.
        targets: As `training_batch` gives them.
        columns: As `auxiliary_targets`.
        mixing: How the images were mixed, where they were.
    """
    images, targets = run.fabric.to_device((images, targets))
    logits, beside = run.wrapped(images)

    def loss_of(of: Callable[[Tensor], Tensor], truth: Tensor) -> Tensor:
        return of(truth) if mixing is None else mixing.loss(of, truth)

    answered = loss_of(lambda truth: task.loss(logits, truth), targets)
    loss = answered
    if columns is not None:
        known = run.fabric.to_device(columns)
        loss = answered + loss_of(lambda truth: auxiliary_loss(beside, truth, plan.auxiliary), known)
    descend(run, plan, loss)
    return answered.detach().cpu()


def training_batch(
    plan: Plan, inputs: Inputs, rows: IntArray, *, mixing: Mixing | None = None, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Augmented images (N, C, *shape) in the plan's memory order, mixed where asked for, and their own targets (N,)."""
    images = images_of(inputs, rows)
    affines = draw_affines(len(rows), dims=plan.dims, augmentation=plan.augmentation, generator=generator)
    images = warp(images, affines, plan.input.shape, mirrored_border=plan.augmentation.mirrored_border)
    views = len(plan.input.views) or 1
    change = draw_intensity(images.shape, augmentation=plan.augmentation, generator=generator)
    if change is not None:
        changed = change.apply(images)
        images = only_views(views_taken(images, views), changed, images) if plan.input.views else changed
    table = table_of(inputs, rows)
    if mixing is not None:
        images, table = mixing.images(images, views=views), mixing.table(table)
    images = with_table(images, table)
    images = memory_order(images, channels_last=plan.optimisation.channels_last)
    return images, torch.from_numpy(inputs.targets[rows])


def _is_dead(logits: FloatArray) -> bool:
    """Whether a network answers exactly the same to every image: its units have died, and no gradient wakes them."""
    return len(logits) > 1 and bool(np.ptp(logits, axis=0).max() == 0)


def scores_of(logits: FloatArray, task: Task, inputs: Inputs, rows: IntArray) -> tuple[float, float]:
    """Mean loss and the task's score of logits (n, outputs) of `rows`."""
    targets = inputs.targets[rows]
    loss = float(task.loss(torch.from_numpy(logits), torch.from_numpy(targets)))
    return loss, task.validation_score(logits, targets)


def predict_rows(network: nn.Module, plan: Plan, inputs: Inputs, rows: IntArray, *, flips: bool) -> FloatArray:
    """Logits, (n, outputs) float32, of prepared rows."""
    network.eval()
    device = next(network.parameters()).device
    axes = plan.augmentation.flip_axes if flips else ()
    found = []
    for start in range(0, len(rows), plan.optimisation.batch_size):
        chosen = rows[start : start + plan.optimisation.batch_size]
        images = with_table(centre(images_of(inputs, chosen), plan.input.shape), table_of(inputs, chosen))
        logits = predict_logits(
            network, images.to(device), flip_axes=axes, channels_last=plan.optimisation.channels_last
        )
        found.append(logits.cpu().numpy())
    return np.concatenate(found)
