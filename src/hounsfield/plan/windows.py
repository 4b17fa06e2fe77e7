"""In which windows a plan's network looks at images that keep their size, and at which resolution it learns."""

from __future__ import annotations

from hounsfield.networks.recurrent import AXES
from hounsfield.plan.network_choices import OutlineChoice, RecurrentChoice
from hounsfield.plan.schema import Plan
from hounsfield.tasks.windows import Windows


def windows_for(plan: Plan) -> Windows:
    """Windows of the input's shape, in training and in reading alike; along the axes that a recurrent network goes they
    show no slice that does not exist."""
    own = plan.network
    return Windows.of(
        plan.input.shape,
        plan.segmentation.overlap,
        repeated=AXES[own.axes] if isinstance(own, RecurrentChoice) else (),
    )


def coarser(plan: Plan) -> Plan:
    """The plan of the first epochs: windows of half the resolution along the axes that the network shrinks.

    They show as much as those of the plan, or some voxels more: their sides can be shrunk as often.

    Reference:
        Tan, Le, "EfficientNetV2" (2021), arXiv:2104.00298 (progressive learning).
    """
    if not isinstance(plan.network, OutlineChoice):
        return plan
    steps = plan.network.shrinks(plan.dims)
    shrink = tuple(2 if step > 1 else 1 for step in steps)
    shape = tuple(
        -(-side // (factor * step)) * step for side, factor, step in zip(plan.input.shape, shrink, steps, strict=True)
    )
    return plan.model_copy(
        update={
            "input": plan.input.model_copy(update={"shape": shape}),
            "augmentation": plan.augmentation.model_copy(update={"shrink": shrink}),
        }
    )
