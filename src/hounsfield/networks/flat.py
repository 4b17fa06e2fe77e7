"""What networks compute at every place of an image as one row of numbers, so that any runtime can compute it.

The rest of a detection, from proposals to findings, is a matter of a few hundred boxes, whose number depends on the
image: torch does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from hounsfield.networks.found import Finder, Found


class Flat(nn.Module):
    """The dense parts of several networks, one after another in a row."""

    def __init__(self, members: Sequence[Finder[Any]], *, shape: Sequence[int]) -> None:
        """Tie the members together; they are shared, not copied.

        Args:
            members: In evaluation mode, of one input shape.
            shape: Spatial shape of the images.
        """
        super().__init__()
        self.members = nn.ModuleList(members)
        self.size = tuple(int(side) for side in shape)
        with torch.inference_mode():
            nothing = torch.zeros(1, members[0].channels, *self.size)
            self.empty = [member.dense(nothing) for member in members]

    def forward(self, images: Tensor) -> Tensor:
        """(N, numbers) float32 of images (N, C, …)."""
        parts = [part for member in self.members for part in cast("Finder[Any]", member).dense(images).parts()]
        return torch.cat([part.float().flatten(1) for part in parts], dim=1)

    @torch.inference_mode()
    def found(self, rows: Tensor) -> list[list[Found]]:
        """For each network the findings on each image, of rows (N, numbers)."""
        return [member.findings(dense, self.size) for member, dense in self._computed(rows)]

    @torch.inference_mode()
    def warmth(self, rows: Tensor) -> Tensor:
        """(N, …), the mean of what the networks make of each place, of rows (N, numbers)."""
        return torch.stack([member.warmth(dense) for member, dense in self._computed(rows)]).mean(dim=0)

    def _computed(self, rows: Tensor) -> Iterator[tuple[Finder[Any], Any]]:
        """Each network, and what it computed at every place."""
        start = 0
        for member, empty in zip(self.members, self.empty, strict=True):
            parts = []
            for part in empty.parts():
                count = part[0].numel()
                parts.append(rows[:, start : start + count].reshape(len(rows), *part.shape[1:]))
                start += count
            yield cast("Finder[Any]", member), empty.like(parts)
