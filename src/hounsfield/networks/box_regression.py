"""Box regression: the landmarks' places as numbers, straight from the image.

An encoder's last maps, brought to a few places a side so that where something is does not get lost, go through two
linear layers to a box for each landmark: its middle is where the landmark lies, its half sides are how far off that may
be. They are learned together, as the place and the scale of a Laplace distribution.

Reference:
    Szegedy, Toshev, Erhan, "Deep neural networks for object detection" (2013); Kendall, Gal, "What uncertainties do we
    need in Bayesian deep learning for computer vision?" (2017), arXiv:1703.04977 (the scale learned beside the place).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Encoder, Staged, require_encoder, stages_after
from hounsfield.networks.landmarks import landmarks_in, read_answer
from hounsfield.networks.untouched import Untouched

PLACES = 6
"""Along a side, to which the last maps are averaged."""


class BoxRegression(Staged):
    """An encoder, its maps over a few places, and two linear layers."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        width: int = 48,
        hidden: int = 256,
        dropout: float = 0.1,
    ) -> None:
        """Make the layers around `encoder`; their weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            outputs: Length of the answer, see `networks.landmarks`.
            encoder: A network with `feature_maps`, `pyramid_facts` and `stages`; its answer is taken off.
            width: Maps that are kept of the encoder's.
            hidden: Features of the layer before the answer.
            dropout: Share of these set to zero in training.

        Raises:
            ShapeError: The encoder takes other images.
        """
        super().__init__()
        require_encoder(encoder, dims=dims, channels=channels)
        self.dims, self.channels = dims, channels
        self.landmarks = landmarks_in(outputs, dims)
        last = encoder.pyramid_facts[-1][1]
        self.encoder = encoder
        self.encoder.answer = nn.Identity()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
        self.fewer = nn.Sequential(convolution(last, width, 1), nn.ReLU(inplace=True))
        self.hidden = nn.Sequential(nn.Linear(width * PLACES**dims, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout))
        self.answer = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.answer.weight)
        nn.init.zeros_(self.answer.bias)

    def forward(self, images: Tensor, truth: Untouched[Tensor] | None = None) -> Tensor:
        """Answers, (N, outputs), see `networks.landmarks`; or the loss, given the truth.

        Args:
            images: (N, C, …).
            truth: (N, landmarks, dims), places in shares of the sides; NaN where a landmark is not there.
        """
        maps = self.fewer(self.encoder.pyramid(images)[-1][1])
        # 8 bits of a number are too few for a place; where memory is counted, on the meta device, there is no autocast
        with torch.autocast("cpu", enabled=False):
            maps = maps.float()
            for axis in range(self.dims):
                maps = _averaged(maps, axis + 2)
            answers: Tensor = self.answer(self.hidden(maps.flatten(1)))
        return answers if truth is None else laplace_loss(answers, truth.value)

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        return stages_after(self.encoder, [self.fewer, self.hidden, self.answer])


def laplace_loss(answers: Tensor, truth: Tensor) -> Tensor:
    """Negative log-likelihood of the landmarks that are there, each axis a Laplace distribution; a scalar in nats.

    Args:
        answers: (N, outputs).
        truth: (N, landmarks, dims), places in shares of the sides; NaN where a landmark is not there.
    """
    middles, halves = read_answer(answers, truth.shape[2])
    known = ~torch.isnan(truth)
    apart = (truth.nan_to_num() - middles).abs()
    return ((apart / halves + torch.log(2 * halves)) * known).sum() / known.sum().clamp(min=1)


def _averaged(maps: Tensor, axis: int) -> Tensor:
    """Means of `PLACES` equal parts of an axis, each place with the share of it that lies in the part."""
    side = maps.shape[axis]
    if side == PLACES:
        return maps
    edges = torch.arange(PLACES + 1, dtype=torch.float32) * side / PLACES
    low, high = edges[:-1, None], edges[1:, None]
    cells = torch.arange(side, dtype=torch.float32)
    share = (torch.minimum(high, cells + 1) - torch.maximum(low, cells)).clamp(min=0) * PLACES / side
    moved: Tensor = (maps.movedim(axis, -1) @ share.T.to(maps)).movedim(-1, axis)
    return moved
