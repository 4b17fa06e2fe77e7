"""The heat of networks that look for places: what they made of each place before they said what is there.

It is not made afterwards, as an explanation of a class is: the answer was read from it, or in Faster R-CNN the places
that its second step judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.networks.answering import mirrors
from hounsfield.networks.heatmap import HeatMap
from hounsfield.plan import Plan
from hounsfield.tasks.tiles import cut_tile, tiles_of

if TYPE_CHECKING:
    from hounsfield.networks.flat import Flat

METHODS = {"faster_rcnn": "objectness", "centres": "centre_heat", "heatmap": "landmark_heat"}
"""What the heat of each network is called in a reading."""


class Warmth:
    """Gathers what several networks compute on a few images, in tiles and mirrored copies, as they are shown them."""

    def __init__(self, rows: Flat, plan: Plan, flip_axes: Sequence[int]) -> None:
        """Nothing was seen yet.

        Args:
            rows: The networks.
            plan: Says in which tiles they are shown images.
            flip_axes: Along which they are shown mirrored copies too.
        """
        self._rows, self._shape, self._tile = rows, plan.input.shape, plan.looked_at
        self._mirrors = mirrors(flip_axes)
        self._seen: list[Tensor] = []

    def add(self, rows: Tensor) -> None:
        """Take what the networks computed, (N, numbers), of the next tile or copy: first come the tiles of one copy."""
        self._seen.append(self._rows.warmth(rows))

    def heats(self) -> list[FloatArray]:
        """Of each image its heat, (*shape) of the networks' input: the mean of the copies, the warmer of two tiles."""
        starts, seen = tiles_of(self._shape, self._tile), iter(self._seen)
        copies = []
        for mirror in self._mirrors:
            whole = torch.zeros(len(self._seen[0]), 1, *self._shape)
            for start in starts:
                part = cut_tile(whole, start, self._tile)
                torch.maximum(part, enlarged(next(seen), self._tile)[:, None], out=part)
            copies.append(whole.flip([axis + 2 for axis in mirror]))
        return list(torch.stack(copies).mean(dim=0)[:, 0].numpy())


@torch.inference_mode()
def heat_of_landmarks(networks: Sequence[nn.Module], image: Tensor) -> FloatArray | None:
    """(*shape), where in an image (C, *shape) networks by heat maps think that landmarks lie, each 1 at its likeliest
    place; None of other networks."""
    able = [network for network in networks if isinstance(network, HeatMap)]
    if not able:
        return None
    seen = torch.stack([network.warmth(image[None]) for network in able]).mean(dim=0)
    return np.asarray(enlarged(seen, image.shape[1:])[0].numpy())


def enlarged(seen: Tensor, shape: Sequence[int]) -> Tensor:
    """Coarse maps (N, …) on the pixels of a `shape`, in between by straight lines."""
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    return nn.functional.interpolate(seen[:, None], size=tuple(shape), mode=mode)[:, 0]
