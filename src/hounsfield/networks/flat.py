"""What networks compute at every place of an image as one row of numbers, so that any runtime can compute it.

The rest of a detection, from proposals to findings, is a matter of a few hundred boxes, whose number depends on the
image: torch does it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hounsfield.networks.faster_rcnn import Dense, FasterRCNN
from hounsfield.networks.found import Found


class Flat(nn.Module):
    """The dense parts of several networks, one after another in a row."""

    def __init__(self, members: Sequence[FasterRCNN], *, shape: Sequence[int]) -> None:
        """Tie the members together; they are shared, not copied.

        Args:
            members: In evaluation mode, of one input shape.
            shape: (height, width) of the images.
        """
        super().__init__()
        self.members = nn.ModuleList(members)
        self.size = (int(shape[0]), int(shape[1]))
        with torch.inference_mode():
            nothing = torch.zeros(1, members[0].channels, *self.size)
            self.shapes = [[tuple(part.shape[1:]) for part in _parts(member.dense(nothing))] for member in members]

    def forward(self, images: Tensor) -> Tensor:
        """(N, numbers) float32 of images (N, C, H, W)."""
        parts = [part for member in self.members for part in _parts(member.dense(images))]  # type: ignore[operator]
        return torch.cat([part.float().flatten(1) for part in parts], dim=1)

    @torch.inference_mode()
    def found(self, rows: Tensor) -> list[list[Found]]:
        """For each network the findings on each image, of rows (N, numbers)."""
        given: list[list[Found]] = []
        start = 0
        for member, shapes in zip(self.members, self.shapes, strict=True):
            parts = []
            for shape in shapes:
                count = torch.Size(shape).numel()
                parts.append(rows[:, start : start + count].reshape(len(rows), *shape))
                start += count
            third = len(parts) // 3
            dense = Dense(parts[:third], parts[third : 2 * third], parts[2 * third :])
            given.append(member.findings(dense, self.size))  # type: ignore[operator]
        return given


def _parts(dense: Dense) -> list[Tensor]:
    return [*dense.maps, *dense.objectness, *dense.moves]
