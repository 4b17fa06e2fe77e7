"""A residual network, flat or in volumes, small enough to be trained from scratch on a CPU.

Basic blocks of two 3 × 3 (× 3) convolutions; where a stage halves its maps or widens them, the shortcut averages
before it projects (variant D). The last normalisation of every block begins at 0, so that each begins as its shortcut.

Reference:
    He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2016), arXiv:1512.03385;
    He et al., "Bag of tricks for image classification" (2019), arXiv:1812.01187 (variant D, zero initialisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError


class ResidualNet(nn.Module):
    """A stem, stages of residual blocks, and a linear answer on features averaged over space."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        widths: Sequence[int] = (32, 64, 128, 256),
        blocks: Sequence[int] = (1, 1, 1, 1),
        stem_stride: int = 1,
        dropout: float = 0.3,
    ) -> None:
        """Make the layers; the weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: Channels of the input.
            outputs: Length of the answer.
            widths: Feature maps of each stage; each but the first halves them along every axis.
            blocks: Residual blocks of each stage.
            stem_stride: 2 where the first convolution halves the image already.
            dropout: Share of the averaged features set to zero in training.

        Raises:
            ShapeError: `widths` and `blocks` are not of the same length.
        """
        super().__init__()
        if len(widths) != len(blocks):
            raise ShapeError(f"{len(widths)} widths and {len(blocks)} numbers of blocks: a stage needs one of each")
        self.dims = dims
        self.channels = channels
        self.smallest_side = stem_stride * 2 ** (len(widths) - 1)
        self.pyramid_facts = [(stem_stride * 2**number, width) for number, width in enumerate(widths)]
        """Pixels between places, and how many maps, of each resolution that `pyramid` gives."""
        stages: list[nn.Module] = []
        before = widths[0]
        for number, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            strides = [2 if number else 1, *[1] * (count - 1)]
            parts = [Block(dims, before if part == 0 else width, width, stride) for part, stride in enumerate(strides)]
            stages.append(nn.Sequential(*parts))
            before = width
        self.stem = nn.Sequential(*_normalised(dims, channels, widths[0], stem_stride), nn.ReLU(inplace=True))
        self.features = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(before, outputs)

    def feature_maps(self, images: Tensor) -> Tensor:
        """Maps of the last stage, (N, widths[-1], …).

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small to be halved that often.
        """
        self._require(images)
        maps: Tensor = self.features(self.stem(images))
        return maps

    def pyramid(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """The last maps of each resolution, the finest first: pixels between places, and (N, C, …).

        Raises:
            ShapeError: As `feature_maps`.
        """
        self._require(images)
        maps = self.stem(images)
        found = []
        for (stride, _), stage in zip(self.pyramid_facts, self.features, strict=True):
            maps = stage(maps)
            found.append((stride, maps))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (N, outputs), of images (N, C, H, W) or (N, C, D, H, W)."""
        return self.head(self.feature_maps(images))

    def pooled(self, images: Tensor) -> Tensor:
        """Features averaged over space, (N, widths[-1])."""
        return _averaged(self.feature_maps(images))

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of feature maps (N, widths[-1], …)."""
        logits: Tensor = self.answer(self.dropout(_averaged(maps)))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The stem, the stages and the answer, for rates that differ by depth."""
        return [[self.stem], *([stage] for stage in self.features), [self.answer]]

    def _require(self, images: Tensor) -> None:
        fits = images.ndim == self.dims + 2 and images.shape[1] == self.channels
        if not fits or min(images.shape[2:]) < self.smallest_side:
            raise ShapeError(
                f"the network takes {self.dims}-D images of at least {self.smallest_side} pixels a side as "
                f"(N, {self.channels}, …), not {tuple(images.shape)}"
            )


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, dims: Literal[2, 3], before: int, width: int, stride: int) -> None:
        """From `before` maps to `width`, halved where `stride` is 2."""
        super().__init__()
        first, second = _normalised(dims, before, width, stride), _normalised(dims, width, width, 1)
        nn.init.zeros_(second[1].weight)  # type: ignore[arg-type]
        self.branch = nn.Sequential(*first, nn.ReLU(inplace=True), *second)
        self.shortcut = _shortcut(dims, before, width, stride)
        self.rectify = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, width, …) of maps (N, before, …)."""
        joined: Tensor = self.rectify(self.branch(maps) + self.shortcut(maps))
        return joined


def _shortcut(dims: Literal[2, 3], before: int, width: int, stride: int) -> nn.Module:
    if before == width and stride == 1:
        return nn.Identity()
    averaging = {2: nn.AvgPool2d, 3: nn.AvgPool3d}[dims](stride, ceil_mode=True) if stride > 1 else nn.Identity()
    return nn.Sequential(averaging, *_normalised(dims, before, width, 1, kernel=1))


def _normalised(dims: Literal[2, 3], before: int, width: int, stride: int, *, kernel: int = 3) -> list[nn.Module]:
    """A convolution that keeps the size but for its stride, and a batch normalisation."""
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
    normalisation = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims]
    layer = convolution(before, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return [layer, normalisation(width)]


def _averaged(maps: Tensor) -> Tensor:
    return torch.mean(maps, dim=tuple(range(2, maps.ndim)))
