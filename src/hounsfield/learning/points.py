"""What a network is taught of landmarks: changed images whose points move with them, and how it is examined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import TrainingError
from hounsfield.evaluation.evidence import LocatedImage
from hounsfield.learning.augmentation import draw_affines, draw_intensity, warp, warp_points
from hounsfield.learning.inputs import Inputs, images_of
from hounsfield.learning.lesson import Answers, Exam, Setup, descend, mean_answers, one_by_one
from hounsfield.networks.untouched import Untouched
from hounsfield.plan import Plan
from hounsfield.tasks.localization import Localization, located
from hounsfield.tasks.predict import centre, memory_order, predict_logits

FEWEST = 2
"""Images with a landmark that are needed to learn it."""


@dataclass(frozen=True, eq=False)
class PointLesson:
    """Prepared cases with landmarks."""

    task: Localization
    inputs: Inputs

    def expect(self, network: nn.Module, plan: Plan, rows: IntArray) -> None:
        """Nothing: answers of images begin near enough."""

    def taught(self, run: Setup, plan: Plan, rows: IntArray, generator: torch.Generator) -> Tensor:
        """Learn from a batch of changed images; the network's own loss, a scalar on the CPU."""
        images, truth = pointed_batch(plan, self.inputs, rows, generator=generator)
        images, truth = run.fabric.to_device((images, truth))
        loss, _ = run.wrapped(images, Untouched(truth))
        descend(run, plan, loss)
        learned: Tensor = loss.detach().cpu()
        return learned

    def examined(self, network: nn.Module, plan: Plan, rows: IntArray) -> Exam:
        """Mean loss, and the share of landmarks that are near, of some rows as they are."""
        logits = self.answered(network, plan, rows, flips=False).logits
        truth = shares_of(plan, self.inputs, rows)
        loss = float(self.task.loss(torch.from_numpy(logits), torch.from_numpy(truth)))
        dead = len(logits) > 1 and bool(np.ptp(logits, axis=0).max() == 0)
        return Exam(loss, self.task.validation_score(logits, truth), dead)

    def answered(self, network: nn.Module, plan: Plan, rows: IntArray, *, flips: bool) -> Answers:
        """Where the network says that landmarks lie; of no mirrored copies, in which left is right."""
        network.eval()
        found = []
        for start in range(0, len(rows), plan.optimisation.batch_size):
            images = centre(
                images_of(self.inputs, rows[start : start + plan.optimisation.batch_size]), plan.input.shape
            )
            found.append(predict_logits(network, images, channels_last=plan.optimisation.channels_last).numpy())
        return Answers(np.concatenate(found))

    def together(self, plan: Plan, networks: Iterable[nn.Module], rows: Sequence[IntArray]) -> tuple[IntArray, Answers]:
        """Each row once, in rising order, with the mean answer of the networks that answered it."""
        return mean_answers(one_by_one(self, plan, networks, rows), rows)

    def results(self, plan: Plan, rows: IntArray, logits: FloatArray) -> tuple[LocatedImage, ...]:
        """What answers (n, outputs) say of some rows, and what is there, in pixels of the images as stored."""
        if self.inputs.onto is None:
            raise ValueError("these inputs were prepared without landmarks")
        found = []
        for row, places in zip(rows.tolist(), self.task.decode(logits), strict=True):
            case, spacing = self.inputs.cases[row], self.inputs.spacing_mm[row]
            own = located(places, self.task.landmarks, plan.input.shape, self.inputs.onto[row], spacing)
            truths = tuple(point for point in case.points if point.label in self.task.landmarks)
            found.append(LocatedImage(case.id, case.unit, truths, own, spacing))
        return tuple(found)

    def require_enough(self, train_rows: IntArray, val_rows: IntArray) -> None:
        """Accept rows that can be learned from and validated on.

        Raises:
            TrainingError: A landmark is on too few images to learn from, or none is on those to validate on.
        """
        there = [~np.isnan(points_of(self.inputs, rows)[:, :, 0]) for rows in (train_rows, val_rows)]
        learned, validated = (own.sum(axis=0) for own in there)
        rarest = int(np.argmin(learned))
        if learned[rarest] < FEWEST or not validated.any():
            raise TrainingError(
                f"the landmark {self.task.landmarks[rarest]!r} is on {learned[rarest]} images to learn from, and "
                f"{validated.sum()} landmarks are on those to validate on, after {len(self.inputs.failed)} images that "
                f"cannot be read; {FEWEST} and one are needed: mend the files that inspect names, leave the landmark "
                "out of the description, or use another split"
            )


def pointed_batch(plan: Plan, inputs: Inputs, rows: IntArray, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Augmented images (N, C, *shape) in the plan's memory order, and where their landmarks are, (N, landmarks, dims)
    in shares of the sides; NaN where one is not there, or has left the image."""
    images = images_of(inputs, rows)
    affines = draw_affines(len(rows), dims=plan.dims, augmentation=plan.augmentation, generator=generator)
    shape = plan.input.shape
    images = warp(images, affines, shape, mirrored_border=plan.augmentation.mirrored_border)
    change = draw_intensity(images.shape, augmentation=plan.augmentation, generator=generator)
    images = images if change is None else change.apply(images)
    points = torch.from_numpy(points_of(inputs, rows))
    moved = [warp_points(own, affine, plan.input.canvas, shape) for own, affine in zip(points, affines, strict=True)]
    share = torch.stack(moved) / torch.tensor(list(shape), dtype=torch.float32)
    outside = ((share < 0) | (share > 1)).any(dim=2, keepdim=True)
    share = torch.where(outside, torch.nan, share)
    return memory_order(images, channels_last=plan.optimisation.channels_last), share


def points_of(inputs: Inputs, rows: IntArray) -> FloatArray:
    """(n, landmarks, dims) of some rows, in pixels of the canvas."""
    if inputs.points is None:
        raise ValueError("these inputs were prepared without landmarks")
    return inputs.points[rows]


def shares_of(plan: Plan, inputs: Inputs, rows: IntArray) -> FloatArray:
    """The same in shares of the sides of what the network is shown."""
    shares: FloatArray = np.asarray(points_of(inputs, rows) / np.array(plan.input.shape), dtype=np.float32)
    return shares
