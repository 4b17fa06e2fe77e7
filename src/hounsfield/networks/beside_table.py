"""An image network and a table's columns as one network of one input: the columns lie behind the image as planes.

So everything that shows images to a network, such as mirrored copies, other runtimes and heat maps, need not know that
a table stands beside them. A plane holds one number, that of the case; NaN where it is missing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Mapped
from hounsfield.networks.perceptron import Fusion


class BesideTable(Mapped):
    """A `Fusion` that takes images (N, C + K, …), K planes of one number each behind the image's own C channels."""

    def __init__(self, *, image: Mapped, columns: int, outputs: int) -> None:
        """Join an image network and K = `columns` columns.

        Args:
            image: A network of this room with a linear `answer`, which is taken off.
            columns: Of the table.
            outputs: Length of the answer.

        Raises:
            ShapeError: The table would have no column.
        """
        super().__init__()
        self.columns = columns
        self.fusion = Fusion(image=image, columns=columns, outputs=outputs)
        self.dims = image.dims
        self.channels = image.channels + columns
        self.smallest_side = image.smallest_side

    @property
    def answer(self) -> nn.Linear:
        """The layer that answers."""
        return self.fusion.answer

    def parted(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The image's own channels, and the numbers of the planes behind them, (N, K)."""
        table = images[:, -self.columns :].flatten(2)[..., 0]
        return images[:, : -self.columns], table

    def feature_maps(self, images: Tensor) -> Tensor:
        """The image network's maps with the planes behind them, (N, F + K, …).

        Raises:
            ShapeError: The images do not fit the image network.
        """
        own, table = self.parted(images)
        maps = self.fusion.feature_maps(own.contiguous())
        planes = table.view(*table.shape, *[1] * (maps.ndim - 2)).expand(-1, -1, *maps.shape[2:])
        return torch.cat([maps, planes.to(maps.dtype)], dim=1)

    def pooled(self, images: Tensor) -> Tensor:
        """Features of both, (N, F + width)."""
        return self.fusion.pooled(*self.parted(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (N, outputs), of images (N, C + K, …)."""
        logits: Tensor = self.fusion(*self.parted(images))
        return logits

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of maps as `feature_maps` gives them."""
        own, table = self.parted(maps)
        return self.fusion.head(own, table)

    def stages(self) -> list[list[nn.Module]]:
        """Those of the fusion."""
        return self.fusion.stages()


def with_table(images: Tensor, table: Tensor | None) -> Tensor:
    """Images (N, C, …) with the numbers of `table`, (N, K), as planes behind them; as they are when that is None."""
    if table is None:
        return images
    planes = table.view(*table.shape, *[1] * (images.ndim - 2)).expand(-1, -1, *images.shape[2:])
    return torch.cat([images, planes.to(images.dtype)], dim=1)
