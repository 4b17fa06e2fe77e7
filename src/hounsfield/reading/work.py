"""How much work an image is to networks, so that a runtime is started where there is enough of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from hounsfield.plan import Plan
from hounsfield.plan.windows import windows_for
from hounsfield.tasks.tiles import tiles_of

FILM = 80_000
"""Pixels of the films that `runtime.WORTH_COMPILING` counts."""


def films_of(plan: Plan, canvas: Sequence[int], *, copies: int = 1) -> int:
    """How many films are as much work as one image: every pass of a network counts, by its pixels.

    Of several networks each has a start of its own that takes as much longer as it has more to do: they do not count.
    Finding on 512 × 448 pixels, starting OpenVINO for one took as long as it saves on 140 images, for three on 135.

    Args:
        plan: Says in which windows or tiles images are looked at; else at once.
        canvas: Spatial shape of the image, prepared.
        copies: Mirrored and plain, that are shown one after another.
    """
    if plan.task == "segmentation":
        windows = windows_for(plan)
        shape = (1,) * (3 - len(canvas)) + tuple(canvas)
        pieces = prod(len(windows.starts(side, axis)) for axis, side in enumerate(shape))
    else:
        pieces = len(tiles_of(plan.input.shape, plan.looked_at))
    return pieces * copies * max(1, round(prod(plan.looked_at) / FILM))
