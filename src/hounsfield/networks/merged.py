"""Maps of several resolutions brought together, from the coarsest to the finest.

Reference:
    Lin et al., "Feature pyramid networks for object detection" (2016), arXiv:1612.03144.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Encoder, require_encoder, stages_after


class Merged(nn.Module):
    """An encoder's pyramid from one resolution on, as maps of that resolution, looked at once more."""

    def __init__(
        self, encoder: Encoder, *, dims: Literal[2, 3], channels: int, stride: int, width: int, outputs: int
    ) -> None:
        """Make the layers beside `encoder`, whose answer is taken off; their weights are drawn from torch's generator.

        Args:
            encoder: A network with `pyramid` and `pyramid_facts`.
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            stride: Pixels between places of the result.
            width: Maps of each resolution.
            outputs: Numbers at each place.

        Raises:
            ShapeError: The encoder takes other images, or has no maps of `stride`.
        """
        super().__init__()
        require_encoder(encoder, dims=dims, channels=channels)
        facts = encoder.pyramid_facts
        if stride not in dict(facts):
            raise ShapeError(
                f"the encoder has no maps of every {stride} pixels, only of {', '.join(str(own) for own, _ in facts)}: "
                "choose network.stride among them"
            )
        self.stride = stride
        self.encoder = encoder
        self.encoder.answer = nn.Identity()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        normalisation = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims]
        self.lateral = nn.ModuleList(convolution(maps, width, 1) for own, maps in facts if own >= stride)
        self.look = nn.Sequential(
            convolution(width, width, 3, padding=1, bias=False), normalisation(width), nn.ReLU(inplace=True)
        )
        self.answer = convolution(width, outputs, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(N, outputs, …), a place for every `stride` pixels of images (N, C, …).

        Raises:
            ShapeError: As the encoder's `pyramid`.
        """
        levels = [maps for own, maps in self.encoder.pyramid(images) if own >= self.stride]
        merged = self.lateral[-1](levels[-1])
        for lateral, level in zip(reversed(self.lateral[:-1]), reversed(levels[:-1]), strict=True):
            merged = lateral(level) + nn.functional.interpolate(merged, size=level.shape[2:], mode="nearest")
        found: Tensor = self.answer(self.look(merged))
        return found

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        return stages_after(self.encoder, [self.lateral, self.look, self.answer])
