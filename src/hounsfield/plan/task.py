"""The task a plan asks for."""

from __future__ import annotations

from hounsfield.plan.schema import Plan
from hounsfield.tasks.classification import Classification
from hounsfield.tasks.instances import Instances
from hounsfield.tasks.localization import Localization
from hounsfield.tasks.segmentation import Segmentation
from hounsfield.tasks.task import Task

CURVE_SCORES = {
    "classification": "AUC",
    "detection": "Mean sensitivity",
    "localization": "Share located",
    "segmentation": "Dice",
}
"""What the score of a learning curve is, by task."""


def task_of(plan: Plan) -> Task:
    """The plan's task, of images as a whole, with its classes and the choices its loss depends on."""
    if plan.task == "localization":
        return Localization(plan.localization.landmarks, plan.input.shape)
    if plan.task == "segmentation":
        own = plan.segmentation
        if own.instances:
            return Instances(own.labels, own.numbers, own.unlabelled, own.dice, smallest=own.smallest)
        return Segmentation(own.labels, own.numbers, own.unlabelled, own.dice)
    return Classification(
        classes=plan.classes,
        class_weights=plan.optimisation.class_weights,
        label_smoothing=plan.optimisation.label_smoothing,
    )
