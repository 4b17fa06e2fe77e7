"""The task a plan asks for."""

from __future__ import annotations

from hounsfield.plan.schema import Plan
from hounsfield.tasks.classification import Classification
from hounsfield.tasks.task import Task


def task_of(plan: Plan) -> Task:
    """The plan's task, with its classes and the choices its loss depends on."""
    return Classification(
        classes=plan.classes,
        class_weights=plan.optimisation.class_weights,
        label_smoothing=plan.optimisation.label_smoothing,
    )
