"""Recurrent segmentation: a U-Net that looks at the slices of a volume one by one, and knows of those beside them.

Each slice goes down a flat encoder as a picture does, from scratch or pretrained on photographs. Through the coarsest
maps of all slices recurrent cells go from the first to the last and back, and what they keep is added to the maps of
each slice; on the way up every slice is outlined by itself. So what one slice shows badly is known from its neighbours,
however far these lie apart, and no kernel has three dimensions. Where cells go along rows and columns too, they are
multi-dimensional GRUs.

What is added begins as nothing: the network begins as a U-Net for single slices.

Reference:
    Poudel, Lamata, Montana, "Recurrent fully convolutional neural networks for multi-slice MRI cardiac segmentation"
    (2016), arXiv:1608.03974; Chen et al., "Combining fully convolutional and recurrent neural networks for 3D
    biomedical image segmentation" (2016), arXiv:1609.01006 (both directions); Andermatt, Pezold, Cattin,
    "Multi-dimensional gated recurrent units for the segmentation of biomedical 3D-data", LNCS 10008 (2016) 142-151.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.cells import Gates, Sweeps
from hounsfield.networks.encoders import Encoder, Staged
from hounsfield.networks.residual import Normalisation
from hounsfield.networks.slices import between_neighbours, one_by_one, slices_of
from hounsfield.networks.unet import UNet

AXES = {"slices": (0,), "volume": (0, 1, 2)}
"""Along which axes (d, h, w) cells go."""


class Recurrent(Staged):
    """A U-Net for slices, and cells that go through the maps of all of them."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        cell: Gates = "gru",
        axes: Literal["slices", "volume"] = "slices",
        bidirectional: bool = True,
        levels: int = 1,
        width: int = 64,
        finest: int = 16,
        normalisation: Normalisation = "batch",
        supervised: int = 3,
    ) -> None:
        """Make the layers around `encoder`, whose answer is taken off; their weights are drawn from torch's generator.

        Args:
            dims: 3, for volumes (N, C, D, H, W).
            channels: C.
            outputs: Numbers for each voxel.
            encoder: A flat network with `pyramid` and `pyramid_facts`; one that takes three times `channels` is shown
                each slice between its neighbours.
            cell: Which gates the cells have.
            axes: Whether cells go from slice to slice alone, or along rows and columns too.
            bidirectional: Whether cells go back too.
            levels: Resolutions that cells go through, from the coarsest on; with 0 every slice is outlined by itself.
            width: Maps that each cell keeps.
            finest: As in `UNet`, as are the next two.
            normalisation: Of the way up.
            supervised: Resolutions that answer in training.

        Raises:
            ShapeError: The images are flat, or the encoder takes other slices.
        """
        super().__init__()
        if dims != 3:
            raise ShapeError("a recurrent network goes through the slices of volumes, and these are flat images")
        self.dims, self.channels = dims, channels
        self.neighbours = between_neighbours(channels, encoder.channels)
        self.unet = UNet(
            dims=2,
            channels=encoder.channels if self.neighbours else channels,
            outputs=outputs,
            encoder=encoder,
            finest=finest,
            normalisation=normalisation,
            supervised=supervised,
        )
        self.smallest_side = self.unet.smallest_side
        swept = self.unet.widths[max(0, len(self.unet.widths) - levels) :]
        self.memories = nn.ModuleList(
            Memory(maps, width, cell, axes=axes, bidirectional=bidirectional) for maps in swept
        )

    def forward(self, images: Tensor, *, deep: bool = False) -> Tensor | list[Tensor]:
        """Logits (N, outputs, D, H, W) of volumes (N, C, D, H, W) of any size; with `deep` those of each resolution of
        the slices, the finest first, of slices whose sides can be halved often enough.

        Raises:
            ShapeError: The images have another number of axes or channels.
        """
        if images.ndim != 5 or images.shape[1] != self.channels:
            raise ShapeError(f"the network takes volumes (N, {self.channels}, D, H, W), not {tuple(images.shape)}")
        depth, height, width = images.shape[2:]
        maps = self.unet.down(one_by_one(slices_of(images, neighbours=self.neighbours), images))
        plain = len(maps) - len(self.memories)
        remembered = [memory(level, depth) for memory, level in zip(self.memories, maps[plain:], strict=True)]
        maps = [*maps[:plain], *remembered]
        if deep:
            return [stacked(level, depth) for level in self.unet.levels(maps)]
        return stacked(self.unet.finest_level(maps)[:, :, :height, :width], depth)

    def expect(self, logits: Tensor) -> None:
        """As of `UNet`."""
        self.unet.expect(logits)

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        *before, new = self.unet.stages()
        return [*before, [*new, self.memories]]


class Memory(nn.Module):
    """Maps of slices, and beside them what cells keep of those of all slices."""

    def __init__(
        self,
        maps: int,
        width: int,
        cell: Gates,
        *,
        axes: Literal["slices", "volume"] = "slices",
        bidirectional: bool = True,
    ) -> None:
        """Of so many maps, by cells that keep `width`."""
        super().__init__()
        self.sweeps = Sweeps(cell, maps, width, axes=AXES[axes], bidirectional=bidirectional)
        self.tell = nn.Conv2d(width, maps, 1)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor, depth: int) -> Tensor:
        """(N * depth, maps, h, w) of maps of that shape, the slices of a volume one after another."""
        kept = self.sweeps(stacked(maps, depth))
        told: Tensor = maps + self.tell(slices_of(kept).flatten(0, 1))
        return told


def stacked(slices: Tensor, depth: int) -> Tensor:
    """Volumes (N, C, depth, h, w) of their slices (N * depth, C, h, w)."""
    return slices.reshape(-1, depth, *slices.shape[1:]).transpose(1, 2)
