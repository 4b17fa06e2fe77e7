"""The lesson that a plan's task asks for."""

from __future__ import annotations

from hounsfield.learning.boxes import BoxLesson
from hounsfield.learning.classes import ClassLesson
from hounsfield.learning.inputs import Inputs
from hounsfield.learning.lesson import Lesson
from hounsfield.plan import Plan
from hounsfield.plan.task import task_of


def lesson_of(plan: Plan, inputs: Inputs) -> Lesson:
    """What a network is taught by a plan, of prepared cases."""
    return (BoxLesson if plan.task == "detection" else ClassLesson)(task_of(plan), inputs)
