"""What networks find on images, computed by any runtime, and what they made of each place on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import FloatArray
from hounsfield.networks.found import Found
from hounsfield.plan import Plan
from hounsfield.plan.network import most_of
from hounsfield.reading.runtime import Differ, by_probability
from hounsfield.reading.warmth import Warmth
from hounsfield.tasks.detection import Findings, whole_logits
from hounsfield.tasks.find import find
from hounsfield.tasks.tiles import in_tiles

if TYPE_CHECKING:
    from hounsfield.networks.flat import Flat

TOGETHER = 4
"""Images on which lesions are looked for together: what is computed at every place takes megabytes for each."""

COMPARED = 5
"""Findings of an image, the surest, whose scores another runtime must give as torch does."""

Seen = tuple[Findings, FloatArray | None]
"""What was found on an image, in pixels of the networks' input, and the heat, (*shape), where it was wished."""


def found_on(
    images: Tensor,
    network: Flat,
    rows_of: Callable[[FloatArray], FloatArray],
    plan: Plan,
    *,
    flip_axes: Sequence[int] = (),
    explain: bool = False,
) -> list[Seen]:
    """What is found on images.

    Args:
        images: (N, C, *shape), as the plan's input.
        network: All networks.
        rows_of: Computes their rows (n, numbers) of images or tiles (n, C, …), in whatever way.
        plan: The model's.
        flip_axes: Along which mirrored copies are looked at too.
        explain: Whether the heat is wished.
    """
    seen: list[Seen] = []
    for few in torch.split(images, TOGETHER):
        warmth = Warmth(network, plan, flip_axes) if explain else None

        def look(shown: Tensor, warmth: Warmth | None = warmth) -> list[list[Found]]:
            rows = torch.from_numpy(rows_of(shown.numpy()))
            if warmth is not None:
                warmth.add(rows)
            return network.found(rows)

        tiled = in_tiles(look, plan.detection.tile, most=most_of(plan)) if plan.detection.tile else look
        found = find(tiled, few, flip_axes=flip_axes, overlap=plan.detection.fusion, most=most_of(plan))
        seen += zip(found, warmth.heats() if warmth else [None] * len(few), strict=True)
    return seen


def findings_differ(network: Flat, plan: Plan, calibrated: Callable[[FloatArray], FloatArray]) -> Differ:
    """By how much two runtimes' rows differ in what they say of each image, or tile, as a whole, and in the scores of
    the surest findings on it; without mirrored copies.

    Args:
        network: All networks.
        plan: The model's.
        calibrated: Probabilities (n, 2) of logits.
    """

    def told(rows: FloatArray) -> FloatArray:
        shown = torch.empty(len(rows), 1, *plan.looked_at)
        seen = torch.from_numpy(rows)
        found = find(lambda _: network.found(seen), shown, overlap=plan.detection.fusion, most=most_of(plan))
        whole = calibrated(whole_logits(found, plan.detection.kinds, plan.detection.positive))
        surest = np.zeros((len(found), COMPARED))
        for row, one in enumerate(found):
            scores = one.scores[:COMPARED]
            surest[row, : len(scores)] = scores
        return np.concatenate([whole, surest], axis=1)

    return by_probability(told)
