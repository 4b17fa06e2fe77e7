"""The lesson that a plan's task asks for."""

from __future__ import annotations

from hounsfield.learning.boxes import BoxLesson
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.lesson import Lesson
from hounsfield.learning.masks import MaskLesson
from hounsfield.learning.points import PointLesson
from hounsfield.learning.reinforcement import WalkLesson
from hounsfield.plan import Plan, PolicyChoice
from hounsfield.plan.task import task_of
from hounsfield.tasks.localization import Localization
from hounsfield.tasks.segmentation import Segmentation


def lesson_of(plan: Plan, inputs: Inputs) -> Lesson:
    """What a network is taught by a plan, of prepared cases."""
    task = task_of(plan)
    if isinstance(task, Segmentation):
        return MaskLesson(task, inputs)
    if isinstance(task, Localization):
        return (WalkLesson if isinstance(plan.network, PolicyChoice) else PointLesson)(task, inputs)
    return (BoxLesson if plan.task == "detection" else ClassLesson)(task, inputs)
