"""Lesions first: whether the network learns squares around boxes before whole images, which, and for how long.

A whole image says only that there is something somewhere; a box says where, and often what. A network that can tell a
benign lesion, a malignant one and a place without any apart has less to find out from whole images.

Reference:
    Shen, Margolies, Rothstein, Fluder, McBride, Sieh, "Deep learning to improve breast cancer detection on screening
    mammography", Scientific Reports 9:12495 (2019), doi:10.1038/s41598-019-48995-4.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.lesions import ELSEWHERE
from hounsfield.plan.budget import SHARE_FOR_TRAINING, Speed, Work, images_an_epoch, within_budget
from hounsfield.plan.families import Family
from hounsfield.plan.inputs import Kind, canvas_steps, film_steps, loses_colour
from hounsfield.plan.network_choices import PretrainedChoice
from hounsfield.plan.schema import Auxiliary, Lesions, Plan, canvas_of

SHARE_OF_MINUTES = 0.35
"""Of a training, for the squares; what they do not take goes to the images."""

FEWEST_BOXES = 100
"""Of a label, to be worth learning."""

FEWEST_PATIENTS = 50
"""Of a label: every fold is to have some."""

_MOST_EPOCHS = 12
"""On CBIS-DDSM's masses the score no longer rose after ten."""

_SIDES = (128, 96, 64)
"""Of a square as the network sees it, in pixels."""

_LARGEST_SHARE = 1 / 3
"""Of the image's longer side, that a square shows: it is to be of a lesion and its surroundings."""

_EPOCHS_AFTER = 5 / 12
"""Of those a network needs that has not learned lesions first: on whole films of CBIS-DDSM four to five gave what there
was to have, and films of 608 × 480 an AUC of .81 where those of 448 × 352 gave .80."""

_SIDE_BEFORE_FOLDS = 320
"""Whole films no larger than this lose their lesions: fewer networks cost less than fewer pixels."""


@dataclass(frozen=True)
class Squares:
    """What is known of the squares before the images' size is."""

    labels: tuple[str, ...]
    """Of boxes that are learned; empty where none are."""
    kind: Kind
    """How squares are prepared."""
    why_not: str = ""
    """There are boxes, and yet they are not learned."""


def squares_of(fingerprint: Fingerprint, family: Family, kind: Kind) -> Squares:
    """Boxes whose labels are classes of the images, where learning them first pays.

    Args:
        fingerprint: Of whole images.
        family: Of the network.
        kind: Of squares cut out of the images.
    """
    boxes, patients = fingerprint.lesions.boxes, fingerprint.lesions.patients
    if not (family.lesions_first and fingerprint.planar and fingerprint.lesions.images):
        return Squares((), kind)
    found = tuple(
        name for name in fingerprint.classes if boxes.get(name, 0) >= FEWEST_BOXES and patients[name] >= FEWEST_PATIENTS
    )
    if len(found) < 2:
        labels = ", ".join(f"{count} {label!r}" for label, count in list(boxes.items())[:4]) or "none"
        needed = f"{FEWEST_BOXES} or more of {FEWEST_PATIENTS} patients of two of the images' classes are needed"
        return Squares((), kind, f"boxes by label: {labels}; {needed} to learn them before whole images")
    if fingerprint.sizes_differ:
        return Squares((), kind, "the images' sizes differ too much for boxes and images to be seen at one scale")
    return Squares(found, kind)


def lesions_and_images(
    drafts: list[Plan],
    squares: Squares,
    fingerprint: Fingerprint,
    speed: Speed,
    minutes: float,
    folds: int,
    family: Family,
    *,
    fixed: bool,
) -> tuple[Plan, float, dict[str, str]]:
    """As `within_budget`, with a share of the minutes for squares where they are learned first; and the reasons.

    Args:
        drafts: For whole images, the largest input first.
        squares: As `squares_of`.
        fingerprint: Of the images.
        speed: Measures a plan.
        minutes: For both.
        folds: As many as pay.
        family: Of the network.
        fixed: Whether there are as many folds, whatever the minutes.
    """
    known = _remembered(speed)
    images = functools.partial(within_budget, drafts, fingerprint, known, fixed=fixed)
    why_not = squares.why_not
    if squares.labels:
        share = minutes * SHARE_OF_MINUTES
        plan, per_second = images(minutes - share, folds, _after(family))
        found = _in_minutes(plan, squares, fingerprint, family, known, share)
        if not isinstance(found, str):
            lesions, taken = found
            other, its_speed = images(minutes - taken, folds, _after(family))  # what squares leave goes to the images
            again = _in_minutes(other, squares, fingerprint, family, known, taken)
            if not isinstance(again, str):
                plan, per_second, lesions = other, its_speed, again[0]
            plan = _by_place(plan.model_copy(update={"lesions": lesions}))
            return plan, per_second, _reasons(plan, squares, fingerprint)
        why_not = found
    plan, per_second = images(minutes, folds, family)
    return plan, per_second, {"lesions.epochs": why_not} if why_not else {}


def lesion_plan(plan: Plan) -> Plan:
    """What a network follows while it learns the squares: the plan, but for what depends on the images."""
    lesions = plan.lesions
    of_squares = {name: getattr(lesions, name) for name in ("shape", "margin", "film_steps", "steps")}
    changed: dict[str, object] = {
        "classes": (ELSEWHERE, *lesions.classes),
        "input": plan.input.model_copy(update={**of_squares, "columns": ()}),
        "augmentation": plan.augmentation.model_copy(
            update={"rotation_degrees": 180.0, "flip_axes": (0, 1), "mixup": lesions.mixup}
        ),
        "optimisation": plan.optimisation.model_copy(
            update={"epochs": lesions.epochs, "class_weights": (), "keep": "last"}
        ),
        "auxiliary": Auxiliary(),
        "lesions": Lesions(),
    }
    if getattr(plan.network, "pooling", "") == "lse":
        changed["network"] = plan.network.model_copy(update={"pooling": "mean"})
    return plan.model_copy(update=changed)


def others_of(plan: Plan) -> tuple[int, ...]:
    """Classes of images, by number, that say they have none of these lesions; none where labels are other words."""
    if not set(plan.lesions.classes) <= set(plan.classes):
        return ()
    return tuple(number for number, name in enumerate(plan.classes) if name not in plan.lesions.classes)


def _after(family: Family) -> Family:
    """How a network is trained on whole images once it knows lesions."""
    epochs = round(family.epochs_wanted * _EPOCHS_AFTER)
    return replace(family, epochs_wanted=epochs, side_before_folds=_SIDE_BEFORE_FOLDS)


def _in_minutes(
    plan: Plan, squares: Squares, fingerprint: Fingerprint, family: Family, speed: Speed, minutes: float
) -> tuple[Lesions, float] | str:
    """The squares of images as `plan` has them, learned as long as the minutes allow, and the minutes they take.

    Or the reason why they are not learned.
    """
    longest = max(fingerprint.breast_median or fingerprint.shape_median[1:])
    scale = longest / max(plan.input.shape)
    shown = next((side for side in _SIDES if side * scale <= _LARGEST_SHARE * longest), None)
    if shown is None:
        return "beside squares, the minutes suffice only for images too small to cut squares of a lesion out of"
    kind = replace(squares.kind, film=(*squares.kind.film, *squares.kind.steps), steps=())  # grey levels of the image
    canvas = canvas_of((shown, shown), kind.margin)
    draft = Lesions(
        epochs=1,
        classes=squares.labels,
        side=round(shown * scale),
        shape=(shown, shown),
        margin=kind.margin,
        film_steps=film_steps(kind),
        steps=canvas_steps(kind, canvas, grey=loses_colour(plan.input.channels, fingerprint)),
    )
    per_second = speed(lesion_plan(plan.model_copy(update={"lesions": draft})))
    count = _count(squares, fingerprint)
    learned = count * images_an_epoch(fingerprint, plan.ensemble.folds) / sum(fingerprint.class_counts)
    an_epoch = Work(learned, count - learned).epoch * plan.ensemble.networks / per_second / 60 / SHARE_FOR_TRAINING
    epochs = min(_MOST_EPOCHS, int(minutes / an_epoch + 1e-6))
    if not epochs:
        return "the minutes do not suffice for squares and images"
    changed = {**family.augmentation, **(family.with_few if epochs < family.few_epochs else {})}
    return draft.model_copy(update={"epochs": epochs, "mixup": changed.get("mixup", 0.0)}), epochs * an_epoch


def _count(squares: Squares, fingerprint: Fingerprint) -> int:
    """At most: around boxes, and one elsewhere on each image that has boxes or is of another class."""
    boxes = sum(fingerprint.lesions.boxes[name] for name in squares.labels)
    classes = zip(fingerprint.classes, fingerprint.class_counts, strict=True)
    return boxes + fingerprint.lesions.images + sum(count for name, count in classes if name not in squares.labels)


def _by_place(plan: Plan) -> Plan:
    """Where squares have all classes of the images, the network that knows them answers place by place."""
    if not isinstance(plan.network, PretrainedChoice) or plan.lesions.classes != plan.classes or plan.input.columns:
        return plan
    return plan.model_copy(update={"network": plan.network.model_copy(update={"pooling": "lse"})})


def _reasons(plan: Plan, squares: Squares, fingerprint: Fingerprint) -> dict[str, str]:
    boxes = sum(fingerprint.lesions.boxes[name] for name in squares.labels)
    reasons = {
        "lesions.epochs": f"{boxes} boxes of a known class teach what to look for before whole images do",
        "lesions.side": "squares are seen at the scale of the whole images",
    }
    if getattr(plan.network, "pooling", "") == "lse":
        reasons["network.pooling"] = "places are answered as squares were, and one that shows a class is enough"
    return reasons


def _remembered(speed: Speed) -> Speed:
    """Measures each plan once."""
    found: dict[str, float] = {}

    def measured(plan: Plan) -> float:
        key = plan.model_dump_json()
        if key not in found:
            found[key] = speed(plan)
        return found[key]

    return measured
