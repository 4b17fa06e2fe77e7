"""In which windows a plan's network looks at images that keep their size."""

from __future__ import annotations

from hounsfield.networks.recurrent import AXES
from hounsfield.plan.network_choices import RecurrentChoice
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
