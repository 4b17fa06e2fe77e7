"""Why a plan is as it is: a sentence for each choice, by "section.key"."""

from __future__ import annotations

from collections.abc import Mapping

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.colours import note_on_colours
from hounsfield.plan.families import Family
from hounsfield.plan.inputs import Kind
from hounsfield.plan.machine import Machine
from hounsfield.plan.network_choices import ConvNetChoice
from hounsfield.plan.schema import Augmentation, Plan
from hounsfield.plan.sizes import note_on_sizes

FEW_CASES = 3000
"""With fewer cases one validation part is too small to choose on, and several folds pay."""


def reasons_for(
    plan: Plan,
    fingerprint: Fingerprint,
    machine: Machine,
    *,
    kind: Kind,
    family: Family,
    images: int,
    per_second: float,
    folds_wanted: int,
    by_memory: Mapping[str, str],
    drafted: Augmentation,
) -> dict[str, str]:
    """The reasons of a finished plan.

    Args:
        plan: All its choices made.
        fingerprint: Of the cases it is for.
        machine: It is for.
        kind: Of the images.
        family: Of the network.
        images: How many of them each network sees in training.
        per_second: Of these in a second.
        folds_wanted: Whatever the minutes.
        by_memory: Reasons of what memory decided.
        drafted: The augmentation before it was known how many epochs there are.
    """
    shape = " × ".join(str(side) for side in plan.input.shape)
    shown = fingerprint.breast_median if kind.cut_to_breast else None
    median = " × ".join(map(str, shown or fingerprint.shape_median[-len(plan.input.shape) :]))
    largest = by_memory.get("input.shape", "the largest of which each network sees enough in the minutes")
    bf16 = plan.optimisation.precision == "bf16-mixed"
    reasons = {
        "minutes": "as asked",
        "seed": "as asked",
        "input.channels": note_on_colours(fingerprint, plan.input),
        "input.margin": "surroundings to turn and shift in" if kind.margin > 1 else "whole images have no surroundings",
        "input.film_steps": kind.film_reason,
        "input.steps": "; ".join(filter(None, (kind.reason, note_on_sizes(fingerprint, plan.input)))),
        "network.name": family.reason,
        "augmentation.rotation_degrees": kind.rotation_reason,
        "augmentation.flip_axes": _mirrored(plan, kind),
        **({"augmentation.stain": "stains are stronger in one laboratory than in another"} if kind.stain else {}),
        "optimisation.epochs": f"{images} images a network at {per_second:.0f} a second (measured here)",
        "optimisation.class_weights": _balance(plan, fingerprint),
        "optimisation.precision": "this processor multiplies bfloat16 natively"
        if bf16
        else "no native bfloat16 here, or no gain from it",
        "optimisation.threads": f"{machine.cores} cores; more than 2 threads hardly help a network of this size",
        "ensemble.folds": _folds(plan, folds_wanted, fingerprint),
        "ensemble.repeats": "as often as each network still sees enough images"
        if plan.ensemble.repeats > 1
        else "the minutes allow no more",
        "ensemble.flips": _flips(plan),
        **family.reasons,
        **by_memory,
        "input.shape": f"{shape} of a median {'breast of ' if shown else ''}{median}: {largest}",
    }
    why = "so few epochs learn little by heart, and images that are changed much teach more slowly"
    lessened = [name for name, value in plan.augmentation if value != getattr(drafted, name)]
    reasons |= {f"augmentation.{name}": why for name in lessened}
    if plan.segmentation.windows_an_epoch > 1:
        reasons["segmentation.windows_an_epoch"] = "the time goes to learning, and not to what lies between epochs"
    if plan.input.views:
        reasons["input.views"] = "a case's images are looked at one by one, and attention finds those that matter"
    if plan.input.columns:
        reasons["input.columns"] = "the description names them as inputs"
    if plan.auxiliary.columns:
        reasons["auxiliary.columns"] = "what else experts saw in these images teaches the network what to look at"
    if isinstance(plan.network, ConvNetChoice):
        left = min(plan.input.shape) // 2**plan.network.halvings
        reasons["network.pool_after"] = f"halved until about {left} a side"
    return {key: value for key, value in reasons.items() if value}


def _mirrored(plan: Plan, kind: Kind) -> str:
    if not plan.augmentation.flip_axes and kind.flips != "none":
        return "what is asked tells one side from the other, or may do so"
    return kind.flip_reason


def _flips(plan: Plan) -> str:
    if plan.ensemble.flips:
        return "mirrored copies cost little in reading"
    return "mirrored copies cost as much again in reading" if plan.augmentation.flip_axes else "nothing to mirror"


def _balance(plan: Plan, fingerprint: Fingerprint) -> str:
    counts = ", ".join(f"{n} {name}" for n, name in zip(fingerprint.class_counts, fingerprint.classes, strict=True))
    weighed = "each class gets the same say" if plan.optimisation.class_weights else "balanced enough"
    return f"{counts}: {weighed}"


def _folds(plan: Plan, wanted: int, fingerprint: Fingerprint) -> str:
    if plan.ensemble.folds > 1:
        return "few cases: every one is validated once, and the networks answer together"
    if wanted > 1 and plan.ensemble.repeats > 1:
        return "networks of all cases to learn from, validated together, before networks of folds"
    if wanted > 1:
        return "the minutes allow one network"
    if sum(fingerprint.class_counts) >= FEW_CASES:
        return "cases enough for one validation part"
    return "too few patients of a class to spread over folds"
