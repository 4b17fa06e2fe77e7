"""The network a plan asks for."""

from __future__ import annotations

from typing import cast

from torch import nn

from hounsfield.networks.beside_table import BesideTable
from hounsfield.networks.build import build_from
from hounsfield.networks.encoders import Mapped
from hounsfield.networks.landmarks import numbers_for
from hounsfield.plan.network_choices import FindingChoice
from hounsfield.plan.schema import Plan
from hounsfield.plan.task import task_of


def outputs_of(plan: Plan) -> int:
    """Length of what the plan's network answers."""
    if plan.task == "segmentation":
        return task_of(plan).outputs
    if plan.task == "localization":
        return numbers_for(len(plan.localization.landmarks), plan.dims)
    return len(plan.detection.kinds) + 1 if plan.task == "detection" else len(plan.classes)


def most_of(plan: Plan) -> int:
    """Findings an image that the plan's network gives; 0 of one that looks for none."""
    return plan.network.most if isinstance(plan.network, FindingChoice) else 0


def build_network(plan: Plan) -> nn.Module:
    """The network of a plan with fresh weights; with the columns of its table beside it, where it has some.

    Raises:
        ShapeError: The network is not made for the plan's inputs.
        UnknownNameError: timm has no such backbone.
    """
    outputs = outputs_of(plan)
    network = build_from(plan.network.model_dump(), dims=plan.dims, channels=plan.input.channels, outputs=outputs)
    columns = plan.input.shown_channels - plan.input.stored_channels
    return BesideTable(image=cast("Mapped", network), columns=columns, outputs=outputs) if columns else network
