"""A deep perceptron for the columns of a table, and its fusion with a network for images.

Age, density or a measurement stand beside the image. The perceptron reads them alone; `Fusion` joins its features to
those of an image network before one linear answer. A value that is missing comes as NaN; a learned value of its column
stands in for it, so that neither other patients nor the data's order decide what it is taken for.

Reference:
    Gorishniy, Rubachev, Khrulkov, Babenko, "Revisiting deep learning models for tabular data" (2021), arXiv:2106.11959
    (the residual blocks);
    Neverova, Wolf, Taylor, Nebout, "ModDrop: adaptive multi-modal gesture recognition" (2014), arXiv:1501.00102
    (leaving a modality out in training).
"""

from __future__ import annotations

from itertools import zip_longest

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Mapped, answer_width, that_learn


class Perceptron(nn.Module):
    """Residual blocks over a table's columns, and a linear answer."""

    def __init__(
        self, *, columns: int, outputs: int, width: int = 64, blocks: int = 2, expansion: int = 2, dropout: float = 0.2
    ) -> None:
        """Make the layers; the weights are drawn from torch's generator.

        Args:
            columns: K, columns of the table.
            outputs: Length of the answer.
            width: Features between the blocks.
            blocks: Residual blocks.
            expansion: How many times wider a block is inside.
            dropout: Share of a block's inner features set to zero in training.

        Raises:
            ShapeError: The table would have no column.
        """
        super().__init__()
        if columns < 1:
            raise ShapeError(f"a perceptron reads one column or more, not {columns}")
        self.columns = columns
        self.missing = Missing(columns)
        self.entry = nn.Linear(columns, width)
        self.blocks = nn.Sequential(*(Block(width, expansion * width, dropout) for _ in range(blocks)))
        self.exit = nn.Sequential(Normalisation(width), nn.GELU())
        self.answer = nn.Linear(width, outputs)

    def pooled(self, table: Tensor) -> Tensor:
        """Features, (N, width), of rows (N, K): columns of mean 0 and standard deviation 1, NaN where one is missing.

        Raises:
            ShapeError: The table has another number of columns.
        """
        if table.ndim != 2 or table.shape[1] != self.columns:
            raise ShapeError(f"the network takes a table as (N, {self.columns}), not {tuple(table.shape)}")
        features: Tensor = self.exit(self.blocks(self.entry(self.missing(table))))
        return features

    def forward(self, table: Tensor) -> Tensor:
        """Logits, (N, outputs), of rows (N, K) as `pooled` takes them."""
        logits: Tensor = self.answer(self.pooled(table))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The entry, the blocks and the answer, for rates that differ by depth."""
        return [[self.missing, self.entry], [self.blocks, self.exit], [self.answer]]


class Fusion(nn.Module):
    """An image network and a perceptron, their features side by side, and one linear answer for both."""

    def __init__(
        self,
        *,
        image: Mapped,
        columns: int,
        outputs: int,
        width: int = 64,
        blocks: int = 2,
        dropout: float = 0.2,
        without_table: float = 0.2,
    ) -> None:
        """Make the layers beside `image`; their weights are drawn from torch's generator.

        Args:
            image: A network of this room, with `head`, `stages` and a linear `answer`, which is taken off.
            columns: K, columns of the table.
            outputs: Length of the answer.
            width: Features of the perceptron.
            blocks: Residual blocks of the perceptron.
            dropout: Of the perceptron; the image network keeps its own.
            without_table: Share of the rows taken as missing in training, so that the image alone is an answer too.

        Raises:
            ShapeError: The table would have no column.
        """
        super().__init__()
        self.perceptron = Perceptron(columns=columns, outputs=1, width=width, blocks=blocks, dropout=dropout)
        self.answer = nn.Linear(_without_answer(image) + _without_answer(self.perceptron), outputs)
        self.image = image
        self.dims = image.dims
        self.channels = image.channels
        self.smallest_side = image.smallest_side
        self.without_table = without_table

    def feature_maps(self, images: Tensor) -> Tensor:
        """The image network's maps, (N, F, …).

        Raises:
            ShapeError: The images do not fit the image network.
        """
        return self.image.feature_maps(images)

    def pooled(self, images: Tensor, table: Tensor) -> Tensor:
        """Features of both, (N, F + width): the image's first."""
        return torch.cat([self.image.pooled(images), self.perceptron.pooled(table)], dim=1)

    def forward(self, images: Tensor, table: Tensor) -> Tensor:
        """Logits, (N, outputs), of images as the image network takes them and rows (N, K), NaN where one is missing.

        Raises:
            ShapeError: The images do not fit the image network, or the table has another number of columns or rows.
        """
        return self.head(self.feature_maps(images), table)

    def head(self, maps: Tensor, table: Tensor) -> Tensor:
        """Logits, (N, outputs), of the image network's maps (N, F, …) and rows (N, K).

        Raises:
            ShapeError: The table has another number of columns or rows.
        """
        if maps.shape[0] != table.shape[0]:
            raise ShapeError(f"{maps.shape[0]} images and {table.shape[0]} rows of a table: each image needs its row")
        if self.training:
            left_out = torch.rand(table.shape[0], 1, device=table.device) < self.without_table
            table = table.masked_fill(left_out, torch.nan)
        averaged = self.image.head(maps)  # without its answer, a head averages
        logits: Tensor = self.answer(torch.cat([averaged, self.perceptron.pooled(table)], dim=1))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The image network's stages, the perceptron's in the last of them, and the answer."""
        of_image, of_table = that_learn(self.image.stages()), that_learn(self.perceptron.stages())
        none: list[nn.Module] = []
        last_first = [[*a, *b] for a, b in zip_longest(reversed(of_image), reversed(of_table), fillvalue=none)]
        return [*reversed(last_first), [self.answer]]


class Missing(nn.Module):
    """A learned value for each column, in place of NaN."""

    def __init__(self, columns: int) -> None:
        """Begin with 0, the mean of a standardised column."""
        super().__init__()
        self.values = nn.Parameter(torch.zeros(columns))

    def forward(self, table: Tensor) -> Tensor:
        """(N, K) without NaN."""
        return torch.where(torch.isnan(table), self.values.to(table.dtype), table)


class Block(nn.Module):
    """Normalisation, a wider layer, GELU, dropout and the way back, beside a shortcut."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        """From `width` features by way of `inner` to `width`."""
        super().__init__()
        self.branch = nn.Sequential(
            Normalisation(width),
            nn.Linear(width, inner),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(inner, width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, width) of (N, width)."""
        joined: Tensor = features + self.branch(features)
        return joined


class Normalisation(nn.BatchNorm1d):
    """Batch normalisation; a batch of one row, which has no spread, is normalised as in evaluation."""

    def forward(self, features: Tensor) -> Tensor:
        """(N, width) of (N, width)."""
        if self.training and features.shape[0] == 1:
            return nn.functional.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(features)


def _without_answer(network: Mapped | Perceptron) -> int:
    """Take off a network's answer; says how many features it was given."""
    features = answer_width(network.get_submodule("answer"))
    network.answer = nn.Identity()
    return features
