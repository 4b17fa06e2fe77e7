"""What networks say of every voxel of a window as one row of numbers, so that any runtime can compute it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hounsfield.networks.answering import mirrors


class Voxelwise(nn.Module):
    """The mean logits of several networks and of mirrored copies, flattened."""

    def __init__(self, members: Sequence[nn.Module], *, shape: Sequence[int], flip_axes: Sequence[int] = ()) -> None:
        """Tie the members together; they are shared, not copied.

        Args:
            members: In evaluation mode, of one input and output shape.
            shape: Spatial shape of the windows.
            flip_axes: Spatial axes, 0 for the first after the channels, that a copy may be reversed along.
        """
        super().__init__()
        self.members = nn.ModuleList(members)
        self.size = tuple(int(side) for side in shape)
        self.mirrors = [tuple(axis + 2 for axis in mirror) for mirror in mirrors(flip_axes)]

    def forward(self, images: Tensor) -> Tensor:
        """(N, outputs times voxels) float32 of windows (N, C, *shape)."""
        total: Tensor | None = None
        for axes in self.mirrors:
            copy = images.flip(axes) if axes else images
            for member in self.members:  # one after another: all together would be held at once
                own = member(copy).float()
                own = own.flip(axes) if axes else own
                total = own if total is None else total + own
        if total is None:
            raise ValueError("there is no network")
        count = len(self.mirrors) * len(self.members)
        return (total / count if count > 1 else total).flatten(1)

    def logits(self, rows: Tensor) -> Tensor:
        """(N, outputs, *shape) of rows."""
        return rows.reshape(len(rows), -1, *self.size)
