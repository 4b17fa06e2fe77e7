"""Heat-map regression: a map for each landmark, warm where it lies.

An encoder's maps of several resolutions are brought together from the coarsest to the finest, and a map of heat is
made for each landmark. In training the heat, as a probability over all places, is to equal a small Gaussian around the
landmark. In reading its place is the mean of the places around the warmest one, weighted by their heat, which is finer
than the map; how far all the heat is spread says how sure that is.

Reference:
    Tompson, Jain, LeCun, Bregler, "Joint training of a convolutional network and a graphical model for human pose
    estimation" (2014), arXiv:1406.2984; Payer, Štern, Bischof, Urschler, "Regressing heatmaps for multiple landmark
    localization using CNNs" (2016), doi:10.1007/978-3-319-46723-8_27; Sun et al., "Integral human pose regression"
    (2018), arXiv:1711.08229 (the mean as place).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Encoder, Staged
from hounsfield.networks.landmarks import answer_of, landmarks_in
from hounsfield.networks.merged import Merged
from hounsfield.networks.untouched import Untouched

AROUND = 3.0
"""The places around the warmest one reach as far as this many standard deviations of the Gaussian."""


class HeatMap(Staged):
    """An encoder's pyramid, merged, and a map of heat for each landmark."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        stride: int = 4,
        width: int = 64,
        sigma: float = 1.5,
    ) -> None:
        """Make the layers around `encoder`; their weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            outputs: Length of the answer, see `networks.landmarks`.
            encoder: A network with `pyramid`, `pyramid_facts` and `stages`; its answer is taken off.
            stride: Pixels between places of the heat.
            width: Maps of each resolution.
            sigma: Standard deviation of the Gaussian, in places.

        Raises:
            ShapeError: The encoder takes other images, or has no maps of `stride`.
        """
        super().__init__()
        self.dims, self.channels, self.stride, self.sigma = dims, channels, stride, sigma
        landmarks = landmarks_in(outputs, dims)
        self.heat = Merged(encoder, dims=dims, channels=channels, stride=stride, width=width, outputs=landmarks)
        """Logits of heat, (N, landmarks, …), with a place for every `stride` pixels."""

    def forward(self, images: Tensor, truth: Untouched[Tensor] | None = None) -> Tensor:
        """Answers, (N, outputs), see `networks.landmarks`; or the loss, given the truth.

        Args:
            images: (N, C, …).
            truth: (N, landmarks, dims), places in shares of the sides; NaN where a landmark is not there.
        """
        heat = self.heat(images).float()
        sides = torch.tensor(list(images.shape[2:]), dtype=torch.float32, device=heat.device) / self.stride
        if truth is not None:
            return self.loss(heat, truth.value, sides)
        shape = heat.shape[2:]
        flat = heat.flatten(2)
        share = torch.softmax(flat, dim=2)
        places = _places(shape).to(heat.device)  # (dims, places)
        warmest = places.T[flat.argmax(dim=2)]  # (N, landmarks, dims)
        apart = (places.T[None, None] - warmest[:, :, None]).square().sum(dim=3)
        near = share * (apart <= (AROUND * self.sigma) ** 2)
        near = near / near.sum(dim=2, keepdim=True).clamp(min=1e-12)
        middle = near @ places.T
        spread = (share @ places.T.square() - (share @ places.T).square()).clamp(min=0.0).sqrt()
        return answer_of(middle / sides, spread / sides)

    def warmth(self, images: Tensor) -> Tensor:
        """(N, …) of images (N, C, …), in [0, 1]: how likely landmarks are at each place beside the likeliest place of
        each; of several landmarks the warmest."""
        heat = self.heat(images).float()
        warmest = heat.amax(dim=tuple(range(2, heat.ndim)), keepdim=True)
        return torch.exp(heat - warmest).amax(dim=1)

    def loss(self, heat: Tensor, truth: Tensor, sides: Tensor) -> Tensor:
        """Cross-entropy of the heat and a Gaussian around each landmark that is there; a scalar in nats.

        Args:
            heat: (N, landmarks, …), logits.
            truth: (N, landmarks, dims), as for `forward`.
            sides: (dims,), of the images, in places.
        """
        shape = heat.shape[2:]
        known = ~torch.isnan(truth).any(dim=2)
        target = _gaussians(truth.nan_to_num() * sides, shape, self.sigma)
        apart = -(target * torch.log_softmax(heat.flatten(2), dim=2)).sum(dim=2)
        return (apart * known).sum() / known.sum().clamp(min=1)

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        return self.heat.stages()


def _places(shape: Sequence[int]) -> Tensor:
    """(dims, places), the middle of every place in places from the outer edge of the first."""
    axes = [torch.arange(side, dtype=torch.float32) + 0.5 for side in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)


def _gaussians(centres: Tensor, shape: Sequence[int], sigma: float) -> Tensor:
    """(N, landmarks, places), each of sum 1 around its centre (N, landmarks, dims), one axis after the other."""
    count, landmarks, dims = centres.shape
    grid = centres.new_ones((count, landmarks, *[1] * dims))
    for axis, side in enumerate(shape):
        apart = torch.arange(side, dtype=torch.float32, device=centres.device) + 0.5 - centres[:, :, axis, None]
        along = torch.softmax(-0.5 * (apart / sigma).square(), dim=2)
        grid = grid * along.reshape(count, landmarks, *[side if other == axis else 1 for other in range(dims)])
    return grid.reshape(count, landmarks, prod(shape))
