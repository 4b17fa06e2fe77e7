"""U-Net: what every voxel is, from maps that are halved on the way down and joined again on the way up.

The way down is any encoder: a residual network from scratch, flat or in volumes, or one pretrained on photographs. On
the way up the maps of each resolution are enlarged and joined with those of the way down, and at the finest ones a
label is given to every voxel. In training the coarser ones answer too (deep supervision), so that they learn from the
start.

Reference:
    Ronneberger, Fischer, Brox, "U-Net" (2015), arXiv:1505.04597; Isensee et al., "nnU-Net" (2021),
    doi:10.1038/s41592-020-01008-z; Isensee et al., "nnU-Net revisited" (2024), arXiv:2404.09556 (residual encoders);
    Lee et al., "Deeply-supervised nets" (2015), arXiv:1409.5185; Lin et al., "Focal loss" (2017), arXiv:1708.02002
    (answers that begin at how common each label is).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Encoder, Staged, require_encoder, that_learn
from hounsfield.networks.residual import Normalisation, normalised_by

Skip = Literal["concatenate", "add"]
"""How maps of the way down come into those of the way up."""


class UNet(Staged):
    """An encoder, the way up, and an answer for every voxel."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        finest: int = 16,
        normalisation: Normalisation = "batch",
        supervised: int = 3,
        skip: Skip = "concatenate",
    ) -> None:
        """Make the layers around `encoder`, whose answer is taken off; their weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            outputs: Numbers for each voxel.
            encoder: A network with `pyramid` and `pyramid_facts`.
            finest: Maps of the whole image, where those of the encoder begin smaller; they see it as it is.
            normalisation: Of the way up.
            supervised: Resolutions that answer in training, from the finest on.
            skip: "concatenate": maps of both ways are looked at side by side; "add": their sum is, with half the
                multiplications.

        Raises:
            ShapeError: The encoder takes other images.
        """
        super().__init__()
        require_encoder(encoder, dims=dims, channels=channels)
        self.dims, self.channels = dims, channels
        self.encoder = encoder
        self.encoder.answer = nn.Identity()
        facts = encoder.pyramid_facts
        self.smallest_side = encoder.smallest_side
        whole = facts[0][0] == 1
        self.first = None if whole else Layer(dims, channels, finest, normalisation)
        widths = [width for _, width in facts] if whole else [finest, *(width for _, width in facts)]
        self.widths = tuple(widths)
        self.up = nn.ModuleList(Joined(dims, below, width, normalisation, skip) for width, below in _pairs(widths))
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        levels = max(1, min(supervised, len(widths) - 1))
        self.answers = nn.ModuleList(convolution(width, outputs, 1) for width in widths[:levels])

    def forward(self, images: Tensor, *, deep: bool = False) -> Tensor | list[Tensor]:
        """Logits (N, outputs, …) of images (N, C, …) of any size; with `deep` those of each resolution, the finest
        first. Halves of odd sides are rounded up.

        Raises:
            ShapeError: The images have another number of axes or channels.
        """
        maps = self.down(images)
        return self.levels(maps) if deep else _cut(self.finest_level(maps), images.shape[2:])

    def down(self, images: Tensor) -> list[Tensor]:
        """Maps (N, widths[number], …) of each resolution on the way down, the finest first, of images (N, C, …); the
        last voxels of those that are too small to be halved so often are repeated.

        Raises:
            ShapeError: As `forward`.
        """
        padded = self._padded(images)
        maps = [level for _, level in self.encoder.pyramid(padded)]
        return maps if self.first is None else [self.first(padded), *maps]

    def levels(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Logits of each resolution that answers in training, the finest first, of maps as `down` gives them."""
        return [answer(level) for answer, level in zip(self.answers, self._up(maps), strict=False)]

    def finest_level(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits of the finest resolution alone, of maps as `down` gives them."""
        logits: Tensor = self.answers[0](self._up(maps)[0])
        return logits

    def _up(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps of each resolution on the way up, the finest first."""
        found = [maps[-1]]
        for joined, beside in zip(reversed(self.up), reversed(maps[:-1]), strict=True):
            found.append(joined(found[-1], beside))
        return found[::-1]

    def expect(self, logits: Tensor) -> None:
        """Let every resolution begin at `logits` (outputs,) for all voxels, and leave them as maps say."""
        with torch.no_grad():
            for answer in self.answers:
                cast(Tensor, answer.bias).copy_(logits)

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        first: list[nn.Module] = [] if self.first is None else [self.first]
        return [*that_learn(self.encoder.stages()), [*first, self.up, self.answers]]

    def _padded(self, images: Tensor) -> Tensor:
        """Images with their last voxels repeated up to the smallest size that can be halved often enough."""
        least = getattr(self.encoder, "smallest_sides", (self.smallest_side,) * self.dims)
        spare = [max(0, own - side) for side, own in zip(images.shape[2:], least, strict=True)]
        if not any(spare):
            return images
        around = [number for side in reversed(spare) for number in (0, side)]
        return nn.functional.pad(images, around, mode="replicate")


class Layer(nn.Sequential):
    """A convolution, a normalisation and a rectifier."""

    def __init__(self, dims: Literal[2, 3], before: int, width: int, normalisation: Normalisation) -> None:
        """From `before` maps to `width`."""
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims](before, width, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(convolution, normalised_by(normalisation, dims, width), nn.ReLU(inplace=True))


class Joined(nn.Module):
    """Maps enlarged to the next resolution, and joined with those that were there on the way down."""

    def __init__(self, dims: Literal[2, 3], below: int, width: int, normalisation: Normalisation, skip: Skip) -> None:
        """From `below` coarser maps and `width` finer ones to `width`."""
        super().__init__()
        self.skip = skip
        self.fewer = {2: nn.Conv2d, 3: nn.Conv3d}[dims](below, width, 1)
        self.look = Layer(dims, 2 * width if skip == "concatenate" else width, width, normalisation)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(N, width, …) of coarse (N, below, …) and fine (N, width, …)."""
        enlarged = nn.functional.interpolate(self.fewer(coarse), size=fine.shape[2:], mode="nearest")
        looked: Tensor = self.look(
            torch.cat([fine, enlarged], dim=1) if self.skip == "concatenate" else fine + enlarged
        )
        return looked


def _pairs(widths: Sequence[int]) -> list[tuple[int, int]]:
    """Of each resolution but the coarsest its width and that of the next coarser one."""
    return list(zip(widths[:-1], widths[1:], strict=True))


def _cut(maps: Tensor, shape: Sequence[int]) -> Tensor:
    """The first voxels along each axis."""
    return maps[(slice(None), slice(None), *(slice(0, side) for side in shape))]
