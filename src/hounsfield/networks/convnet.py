"""The convolutional network of the case study: five convolution layers, flat or in volumes, from one definition.

Each layer is a 3 × 3 (× 3) convolution, max-pooling where the plan says so, batch normalisation and a rectifier.
Pooling comes before the normalisation: a maximum commutes with a rectifier, and everything after it then touches a
quarter (an eighth) of the values, which is what a CPU's memory is slow at. After the last layer each feature map is
averaged over space, so that images of any size can be read, and a linear layer answers.

Reference:
    Lin, Chen, Yan, "Network in network" (2013), arXiv:1312.4400 (global average pooling);
    Ioffe, Szegedy, "Batch normalization" (2015), arXiv:1502.03167.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Encoder, averaged


class ConvNet(Encoder):
    """Five (or any number of) convolution layers and a linear answer."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        widths: Sequence[int] = (16, 32, 64, 128, 128),
        pool_after: Sequence[int] = (1, 2, 3, 4, 5),
        dropout: float = 0.3,
    ) -> None:
        """Make the layers; the weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: Channels of the input.
            outputs: Length of the answer.
            widths: Feature maps of each convolution layer, in order.
            pool_after: Layers, counted from 1, whose feature maps are halved along every axis.
            dropout: Share of the averaged features set to zero in training.

        Raises:
            ShapeError: `pool_after` names a layer that is not there.
        """
        super().__init__()
        if not set(pool_after) <= set(range(1, len(widths) + 1)):
            raise ShapeError(f"pool_after names layers {tuple(pool_after)}; the network has layers 1 to {len(widths)}")
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        pooling = {2: nn.MaxPool2d, 3: nn.MaxPool3d}[dims]
        normalisation = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims]
        layers: list[nn.Module] = []
        before = channels
        for number, width in enumerate(widths, start=1):
            layers.append(convolution(before, width, kernel_size=3, padding=1, bias=False))
            if number in pool_after:
                layers.append(pooling(2))
            layers += [normalisation(width), nn.ReLU(inplace=True)]
            before = width
        self.dims = dims
        self.channels = channels
        self.smallest_side = 2 ** len(pool_after)
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(before, outputs)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def feature_maps(self, images: Tensor) -> Tensor:
        """Maps of the last layer, (N, widths[-1], …), what heat maps are made of.

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small to be halved that often.
        """
        self.require(images)
        maps: Tensor = self.features(images)
        return maps

    def pyramid(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """The last maps of each resolution, the finest first: pixels between places, and (N, C, …).

        Raises:
            ShapeError: As `feature_maps`.
        """
        self.require(images)
        found: dict[int, Tensor] = {}
        maps, stride = images, 1
        for layers in self.stages()[:-1]:
            for layer in layers:
                maps = layer(maps)
                stride *= 2 if isinstance(layer, nn.MaxPool2d | nn.MaxPool3d) else 1
            found[stride] = maps
        return list(found.items())

    @property
    def pyramid_facts(self) -> list[tuple[int, int]]:
        """Pixels between places, and how many maps, of each resolution that `pyramid` gives."""
        found: dict[int, int] = {}
        stride = 1
        for layer in self.features:
            stride *= 2 if isinstance(layer, nn.MaxPool2d | nn.MaxPool3d) else 1
            if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
                found[stride] = layer.num_features
        return list(found.items())

    def pooled(self, images: Tensor) -> Tensor:
        """Features averaged over space, (N, widths[-1])."""
        return averaged(self.feature_maps(images))

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of feature maps (N, widths[-1], …)."""
        logits: Tensor = self.answer(self.dropout(averaged(maps)))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The layers, each with its normalisation, and the answer, for rates that differ by depth."""
        starts = [place for place, layer in enumerate(self.features) if isinstance(layer, nn.Conv2d | nn.Conv3d)]
        ends = [*starts[1:], len(self.features)]
        return [*(list(self.features[start:end]) for start, end in zip(starts, ends, strict=True)), [self.answer]]
