"""Whether an image is fit to be read by a model."""

from __future__ import annotations

import numpy as np

from hounsfield.findings import Quality
from hounsfield.image import Image
from hounsfield.plan import Plan

_FEWEST_LEVELS = 4
"""An image with fewer grey levels shows nothing that could be read."""


def judge(image: Image, plan: Plan) -> Quality:
    """The verdict on an image, with reasons: "unfit" when it cannot be answered, "doubtful" when a person should look.

    Args:
        image: As stored.
        plan: What the model takes.
    """
    unfit: list[str] = []
    doubtful: list[str] = []
    if len(np.unique(image.voxels.ravel()[:: max(1, image.voxels.size // 100_000)])) < _FEWEST_LEVELS:
        unfit.append("the image is blank")
    smallest = min(image.shape[1:])
    if smallest < min(plan.input.shape) // 4:
        doubtful.append(
            f"the image is {image.shape[1]} × {image.shape[2]} pixels, the model was made for "
            f"{' × '.join(str(side) for side in plan.input.shape)}: fine detail is missing"
        )
    if image.channels != plan.input.channels:
        doubtful.append(f"the image has {image.channels} channels, the model was trained with {plan.input.channels}")
    if unfit:
        return Quality("unfit", tuple(unfit + doubtful))
    return Quality("doubtful" if doubtful else "good", tuple(doubtful))
