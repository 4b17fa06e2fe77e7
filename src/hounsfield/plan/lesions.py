"""Lesions first: whether the network learns squares around boxes before whole images, which, and for how long.

A whole image says only that there is something somewhere; a box says where, and often what. A network that can tell a
benign lesion, a malignant one and a place without any apart has less to find out from whole images.

Reference:
    Shen, Margolies, Rothstein, Fluder, McBride, Sieh, "Deep learning to improve breast cancer detection on screening
    mammography", Scientific Reports 9:12495 (2019), doi:10.1038/s41598-019-48995-4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.datasets.lesions import ELSEWHERE
from hounsfield.plan.budget import SHARE_FOR_TRAINING, Speed, images_an_epoch
from hounsfield.plan.families import Family
from hounsfield.plan.inputs import Kind, canvas_steps, film_steps
from hounsfield.plan.schema import Auxiliary, Lesions, Plan, Section, canvas_of

SHARE_OF_MINUTES = 0.35
"""Of a training, for the squares."""

FEWEST_BOXES = 100
"""Of a label, to be worth learning."""

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
"""Whole films smaller than this lose their lesions: fewer networks cost less than fewer pixels."""


def lesion_labels(fingerprint: Fingerprint, family: Family) -> tuple[str, ...]:
    """Labels of boxes that are classes of the images too, in their order, where learning them first pays; else none."""
    if not (family.lesions_first and fingerprint.planar):
        return ()
    counts = fingerprint.box_labels
    found = tuple(name for name in fingerprint.classes if counts.get(name, 0) >= FEWEST_BOXES)
    return found if len(found) > 1 else ()


def after_lesions(family: Family) -> Family:
    """How a network is trained on whole images once it knows lesions."""
    epochs = round(family.epochs_wanted * _EPOCHS_AFTER)
    return replace(family, epochs_wanted=epochs, side_before_folds=_SIDE_BEFORE_FOLDS)


def with_lesions(
    plan: Plan,
    labels: tuple[str, ...],
    fingerprint: Fingerprint,
    kind: Kind,
    family: Family,
    *,
    speed: Speed,
    minutes: float,
) -> tuple[Plan, Mapping[str, str]]:
    """The plan with lesions first, seen at the scale at which it has the images, and the reasons.

    Args:
        plan: For the images.
        labels: As `lesion_labels`.
        fingerprint: Of the images.
        kind: Of squares cut out of them.
        family: Of the network.
        speed: Measures a plan.
        minutes: For the squares, of all networks.
    """
    longest = max(fingerprint.breast_median or fingerprint.shape_median[1:])
    scale = longest / max(plan.input.shape)
    shown = next((side for side in _SIDES if side * scale <= _LARGEST_SHARE * longest), _SIDES[-1])
    draft = Lesions(
        epochs=1,
        classes=labels,
        side=round(shown * scale),
        shape=(shown, shown),
        margin=kind.margin,
        film_steps=film_steps(kind),
        steps=canvas_steps(kind, canvas_of((shown, shown), kind.margin), grey=_loses_colour(plan, fingerprint)),
    )
    boxes = sum(fingerprint.box_labels[name] for name in labels)
    cases = sum(fingerprint.class_counts)
    squares = (boxes + cases) * images_an_epoch(fingerprint, plan.ensemble.folds) / cases
    per_second = speed(lesion_plan(_with(plan, draft)))
    seconds = minutes * 60 * SHARE_FOR_TRAINING / plan.ensemble.networks
    epochs = max(1, min(_MOST_EPOCHS, int(seconds * per_second / squares)))
    mixup = family.augmentation.get("mixup", 0.0) if epochs >= family.mixing_epochs else 0.0
    chosen = draft.model_copy(update={"epochs": epochs, "mixup": mixup})
    reasons = {
        "lesions.epochs": f"{boxes} boxes of a known class teach what to look for before whole images do",
        "lesions.side": "squares are seen at the scale of the whole images",
    }
    return _with(plan, chosen), reasons


def lesion_plan(plan: Plan) -> Plan:
    """What a network follows while it learns the squares: the plan, but for what depends on the images."""
    lesions = plan.lesions
    changed: dict[str, object] = {
        "classes": (ELSEWHERE, *lesions.classes),
        "input": plan.input.model_copy(
            update={
                "shape": lesions.shape,
                "margin": lesions.margin,
                "film_steps": lesions.film_steps,
                "steps": lesions.steps,
                "columns": (),
            }
        ),
        "augmentation": plan.augmentation.model_copy(
            update={"rotation_degrees": 180.0, "flip_axes": (0, 1), "mixup": lesions.mixup}
        ),
        "optimisation": plan.optimisation.model_copy(
            update={"epochs": lesions.epochs, "class_weights": (), "keep": "last"}
        ),
        "auxiliary": Auxiliary(),
        "lesions": Lesions(),
    }
    return plan.model_copy(update=changed)


def _loses_colour(plan: Plan, fingerprint: Fingerprint) -> bool:
    return plan.input.channels == 1 and fingerprint.channels == 3


def _with(plan: Plan, lesions: Section) -> Plan:
    return plan.model_copy(update={"lesions": lesions})
