"""A residual network, flat or in volumes, small enough to be trained from scratch on a CPU.

Basic blocks of two 3 × 3 (× 3) convolutions; where a stage halves its maps or widens them, the shortcut averages
before it projects (variant D). The last normalisation of every block begins at 0, so that each begins as its shortcut.

Reference:
    He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2016), arXiv:1512.03385;
    He et al., "Bag of tricks for image classification" (2019), arXiv:1812.01187 (variant D, zero initialisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Encoder, averaged
from hounsfield.networks.instance_norm import InstanceNorm

Normalisation = Literal["batch", "instance"]


class ResidualNet(Encoder):
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
        strides: Sequence[Sequence[int]] = (),
        normalisation: Normalisation = "batch",
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
            strides: By how much each stage but the first shrinks its maps along each axis, as where slices lie far
                apart; by 2 along all where not given.
            normalisation: Over the images of a batch together, or over each alone, which small batches need.
            dropout: Share of the averaged features set to zero in training.

        Raises:
            ShapeError: `widths`, `blocks` and `strides` are not of the same length.
        """
        super().__init__()
        by_stage = [(1,) * dims, *map(tuple, strides or [(2,) * dims] * (len(widths) - 1))]
        if not len(widths) == len(blocks) == len(by_stage) or any(len(stride) != dims for stride in by_stage):
            raise ShapeError(
                f"{len(widths)} widths, {len(blocks)} numbers of blocks and strides {tuple(by_stage[1:])}: a stage "
                f"needs one of each, and each but the first a stride along {dims} axes"
            )
        self.dims = dims
        self.channels = channels
        shrunk = stem_stride * np.cumprod(by_stage, axis=0)
        self.smallest_sides = tuple(int(side) for side in shrunk[-1])
        self.smallest_side = max(self.smallest_sides)
        self._resolutions = [(int(max(side)), width) for side, width in zip(shrunk, widths, strict=True)]
        stages: list[nn.Module] = []
        before = widths[0]
        for number, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            each = [by_stage[number], *[(1,) * dims] * (count - 1)]
            parts = [
                Block(dims, before if part == 0 else width, width, stride, normalisation)
                for part, stride in enumerate(each)
            ]
            stages.append(nn.Sequential(*parts))
            before = width
        self.stem = nn.Sequential(
            *_normalised(dims, channels, widths[0], (stem_stride,) * dims, normalisation), nn.ReLU(inplace=True)
        )
        self.features = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(before, outputs)

    def require(self, images: Tensor) -> None:
        """As any encoder; a side that is not shrunk may be short.

        Raises:
            ShapeError: As `feature_maps`.
        """
        inflated = len(self.smallest_sides) < self.dims  # made flat, and for volumes since
        least = (self.smallest_side,) * self.dims if inflated else self.smallest_sides
        fits = images.ndim == self.dims + 2 and images.shape[1] == self.channels
        if not fits or any(side < own for side, own in zip(images.shape[2:], least, strict=True)):
            raise ShapeError(
                f"the network takes {self.dims}-D images of at least {' × '.join(map(str, least))} pixels as "
                f"(N, {self.channels}, …), not {tuple(images.shape)}"
            )

    def feature_maps(self, images: Tensor) -> Tensor:
        """Maps of the last stage, (N, widths[-1], …).

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small to be halved that often.
        """
        self.require(images)
        maps: Tensor = self.features(self.stem(images))
        return maps

    @property
    def pyramid_facts(self) -> list[tuple[int, int]]:
        """Pixels between places, and how many maps, of each resolution that `pyramid` gives."""
        return self._resolutions

    def pyramid(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """The last maps of each resolution, the finest first: pixels between places, and (N, C, …).

        Raises:
            ShapeError: As `feature_maps`.
        """
        self.require(images)
        maps = self.stem(images)
        found = []
        for (stride, _), stage in zip(self.pyramid_facts, self.features, strict=True):
            maps = stage(maps)
            found.append((stride, maps))
        return found

    def pooled(self, images: Tensor) -> Tensor:
        """Features averaged over space, (N, widths[-1])."""
        return averaged(self.feature_maps(images))

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of feature maps (N, widths[-1], …)."""
        logits: Tensor = self.answer(self.dropout(averaged(maps)))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The stem, the stages and the answer, for rates that differ by depth."""
        return [[self.stem], *([stage] for stage in self.features), [self.answer]]


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(
        self,
        dims: Literal[2, 3],
        before: int,
        width: int,
        stride: Sequence[int],
        normalisation: Normalisation = "batch",
    ) -> None:
        """From `before` maps to `width`, shrunk by `stride` along each axis."""
        super().__init__()
        first = _normalised(dims, before, width, stride, normalisation)
        second = _normalised(dims, width, width, (1,) * dims, normalisation)
        nn.init.zeros_(second[1].get_parameter("weight"))
        self.branch = nn.Sequential(*first, nn.ReLU(inplace=True), *second)
        self.shortcut = _shortcut(dims, before, width, stride, normalisation)
        self.rectify = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, width, …) of maps (N, before, …)."""
        joined: Tensor = self.rectify(self.branch(maps) + self.shortcut(maps))
        return joined


def _shortcut(
    dims: Literal[2, 3], before: int, width: int, stride: Sequence[int], normalisation: Normalisation
) -> nn.Module:
    shrinks = max(stride) > 1
    if before == width and not shrinks:
        return nn.Identity()
    size: Any = tuple(stride)
    averaging = {2: nn.AvgPool2d, 3: nn.AvgPool3d}[dims](size, ceil_mode=True) if shrinks else nn.Identity()
    return nn.Sequential(averaging, *_normalised(dims, before, width, (1,) * dims, normalisation, kernel=1))


def _normalised(
    dims: Literal[2, 3],
    before: int,
    width: int,
    stride: Sequence[int],
    normalisation: Normalisation,
    *,
    kernel: int = 3,
) -> list[nn.Module]:
    """A convolution that keeps the size but for its stride, and a normalisation."""
    convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
    steps: Any = tuple(stride)
    layer = convolution(before, width, kernel, stride=steps, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return [layer, normalised_by(normalisation, dims, width)]


def normalised_by(normalisation: Normalisation, dims: Literal[2, 3], width: int) -> nn.Module:
    """The layer that brings `width` maps to mean 0 and deviation 1, and then to what it has learned."""
    if normalisation == "instance":
        return InstanceNorm(width)
    return {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims](width)
