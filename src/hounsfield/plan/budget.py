"""What fits into the minutes: the input's size, the networks, the epochs and the precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.networks.answering import mirrors
from hounsfield.plan.families import ANSWERING, Family
from hounsfield.plan.schema import Plan
from hounsfield.plan.section import Section
from hounsfield.tasks.tiles import EXAMINED, tiles_of

Speed = Callable[[Plan], float]
"""Measures how many training images a second a plan works through on this machine."""

FEWER_FOLDS = 3
"""Where as many as wanted are too many."""

_FASTER_AT_MOST = 8
"""Of the elements of a larger input, as against the smallest's: large volumes are halved at once, large steps share."""

MOST_SHORT_EPOCHS = 100
"""Of windows: where there would be more, an epoch learns from several windows of each image, for what is done between
epochs takes time as well."""

SHARE_FOR_TRAINING = 0.9
"""Of the minutes, with validating; the rest is for preparing, measuring and the report."""


def within_budget(
    drafts: list[Plan],
    fingerprint: Fingerprint,
    speed: Speed,
    minutes: float,
    folds: int,
    family: Family,
    *,
    fixed: bool = False,
) -> tuple[Plan, float]:
    """The largest input of which each network sees enough, with the epochs and networks that fit; and its speed.

    Where there is none it is the fastest, which need not be the smallest: larger volumes are halved at once. Where the
    folds are `fixed`, there are as many networks, whatever the minutes. A family that sees every image `once` sees the
    largest for which the time suffices.
    """
    if family.once:
        return _once_within_budget(drafts, fingerprint, speed, minutes, folds)
    seconds = minutes * 60 * SHARE_FOR_TRAINING
    speed = _measured_once(speed)
    wanted = min(family.images_wanted, family.epochs_wanted * images_an_epoch(fingerprint, folds))

    def work(folds: int) -> Work:
        return _work(drafts[0], fingerprint, folds, family.answering)

    def largest(folds: int) -> tuple[Plan, float]:
        enough = min(wanted, family.images_for_size or wanted)
        return _largest(drafts, speed, work(folds).of(enough) * folds / seconds)

    plan, per_second = largest(folds)
    while (
        not fixed
        and folds > family.fewest_folds
        and max(plan.input.shape) <= family.side_before_folds
        and plan.input.shape != drafts[0].input.shape
    ):
        folds = _fewer(folds)
        plan, per_second = largest(folds)
    while not fixed and folds > 1 and per_second * seconds / folds < work(folds).of(wanted * family.share_needed):
        folds = _fewer(folds)
    each = per_second * seconds / folds
    most = 1 if fixed else min(family.most_repeats, family.most_networks // folds)
    repeats = max(1, min(most, int(each / work(folds).of(wanted))))
    epochs = max(1, min(family.longest, work(folds).epochs_in(each / repeats)))
    changed: dict[str, Section] = {}
    if family.windows and epochs > MOST_SHORT_EPOCHS:
        often = -(-epochs // MOST_SHORT_EPOCHS)
        epochs = max(1, min(family.longest // often, work(folds).repeated(often).epochs_in(each / repeats)))
        changed["segmentation"] = plan.segmentation.model_copy(update={"windows_an_epoch": often})
    changed |= {
        "ensemble": plan.ensemble.model_copy(update={"folds": folds, "repeats": repeats}),
        "optimisation": plan.optimisation.model_copy(update={"epochs": epochs, "patience": max(10, epochs // 2)}),
    }
    if epochs < family.few_epochs:
        changed["augmentation"] = plan.augmentation.model_copy(update=dict(family.with_few))
    return plan.model_copy(update=changed), per_second


def _measured_once(speed: Speed) -> Speed:
    """The same, which measures drafts, that differ in their input and precision alone, no second time."""
    known: dict[tuple[tuple[int, ...], str], float] = {}

    def once(plan: Plan) -> float:
        key = plan.input.shape, plan.optimisation.precision
        if key not in known:
            known[key] = speed(plan)
        return known[key]

    return once


@dataclass(frozen=True)
class Work:
    """What a network has to do, in images learned from, or tiles of them: as many as take the same time."""

    learned: float
    """Of an epoch."""
    validated: float
    """That are answered after each epoch."""
    measured: float = 0
    """That are answered in the end, mirrored copies among them."""
    answering: float = ANSWERING
    """As `Family.answering`."""

    @property
    def epoch(self) -> float:
        """To learn from all, and to be validated."""
        return self.learned + self.answering * self.validated

    def repeated(self, often: int) -> Work:
        """The same where an epoch learns from so many windows of each image, and validates no more."""
        return replace(self, learned=self.learned * often)

    def of(self, images: float) -> float:
        """To learn from as many, each time changed anew and from all once at least, and to be measured."""
        return max(1.0, images / self.learned) * self.epoch + self._answered_last

    def epochs_in(self, images: float) -> int:
        """That fit into the time of learning from as many."""
        return int((images - self._answered_last) / self.epoch)

    @property
    def _answered_last(self) -> float:
        return self.answering * self.measured


def _work(draft: Plan, fingerprint: Fingerprint, folds: int, answering: float) -> Work:
    """Of one of so many networks; of an image in tiles one is learned from in an epoch, and all are answered."""
    learned = images_an_epoch(fingerprint, folds)
    others = max(0, sum(fingerprint.class_counts) - learned)
    copies = len(mirrors(draft.augmentation.flip_axes)) if draft.ensemble.flips else 1
    tile = draft.detection.tile
    if not tile:
        return Work(learned, others, others * copies, answering)
    tiles = len(tiles_of(draft.input.shape, tile))
    return Work(learned, min(others, EXAMINED[draft.dims]) * tiles, others * tiles * copies, answering)


def _fewer(folds: int) -> int:
    return FEWER_FOLDS if folds > FEWER_FOLDS else 1


def _largest(drafts: list[Plan], speed: Speed, needed: float) -> tuple[Plan, float]:
    """The first draft that is as fast as needed, in images a second, or else the fastest; and its speed.

    The smallest is measured first: what is so much larger that it can neither be as fast as needed nor faster than
    that is not waited for.
    """
    smallest = drafts[-1]
    plan, per_second = _faster_precision(smallest, speed)
    slow = min(needed, per_second)
    most_elements = _FASTER_AT_MOST * per_second * math.prod(smallest.input.shape)
    for draft in drafts[:-1]:
        if most_elements / math.prod(draft.input.shape) < slow:
            continue
        other, its_speed = _faster_precision(draft, speed)
        if its_speed >= needed:
            return other, its_speed
        if its_speed > per_second:
            plan, per_second = other, its_speed
    return plan, per_second


def _once_within_budget(
    drafts: list[Plan], fingerprint: Fingerprint, speed: Speed, minutes: float, folds: int
) -> tuple[Plan, float]:
    """The largest input of which every case's mirrored copies are seen in the time, once to learn, once to validate."""
    seconds = minutes * 60 * SHARE_FOR_TRAINING
    for plan in drafts:
        per_second = speed(plan)
        if per_second * seconds >= 2 * sum(fingerprint.class_counts) * len(mirrors(plan.augmentation.flip_axes)):
            break
    changed = {
        "ensemble": plan.ensemble.model_copy(update={"folds": folds, "repeats": 1}),
        "optimisation": plan.optimisation.model_copy(update={"epochs": 1}),
    }
    return plan.model_copy(update=changed), per_second


def _faster_precision(draft: Plan, speed: Speed) -> tuple[Plan, float]:
    """The draft in the precision that is faster here, and its images a second."""
    measured = speed(draft)
    if draft.optimisation.precision == "32-true":
        return draft, measured
    plain = draft.model_copy(update={"optimisation": draft.optimisation.model_copy(update={"precision": "32-true"})})
    other = speed(plain)
    return (draft, measured) if measured > other else (plain, other)


def images_learned(plan: Plan, fingerprint: Fingerprint) -> int:
    """That each network is shown in training, or windows of them."""
    each = images_an_epoch(fingerprint, plan.ensemble.folds) * plan.segmentation.windows_an_epoch
    return plan.optimisation.epochs * each


def images_an_epoch(fingerprint: Fingerprint, folds: int) -> int:
    """Cases that a network learns from, of as many folds; of one, those of the split's training part."""
    cases = sum(fingerprint.class_counts)
    share = 8 / 9 if folds == 1 else (folds - 1) / folds
    return max(1, round(cases * share))
