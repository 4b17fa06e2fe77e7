"""A network that finds lesions by their centres, flat or in volumes: how likely each place is one, and how large it is.

An encoder's maps are merged; at every place the network says, for each kind, how likely a lesion has its centre there,
where exactly, and how long its sides are. A finding is a place more likely than its neighbours; of findings that
overlap, the surest stays. No boxes of given sizes are asked about, which in volumes would be very many.

Reference:
    Zhou, Wang, Krähenbühl, "Objects as points" (2019), arXiv:1904.07850; Li et al., "Generalized focal loss" (2020),
    arXiv:2006.04388 (every place near a centre is learned from as far as it is near).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.networks.encoders import Encoder
from hounsfield.networks.found import Finder, Found, Truth
from hounsfield.networks.merged import Merged
from hounsfield.networks.untouched import Untouched

_PRIOR = 0.01
"""How likely a place is a centre before anything was learned."""

_SPREAD = 1 / 6
"""Standard deviation, as a share of a lesion's sides, of the Gaussian of places that are nearly its centre."""

_NARROWEST = 0.6
"""The same in places, at least."""

_NEAR = 0.3
"""Of the Gaussian: from here on a place says where the centre is and how long the sides are. Of a lesion four places
long those beside its centre do, for one of them may be the likeliest."""

_SIDES = 0.3
"""Weight of the loss of sides beside that of centres."""


@dataclass(frozen=True, eq=False)
class Everywhere:
    """What is computed at every place of the images."""

    heat: Tensor
    """(N, kinds, …), logits."""
    boxes: Tensor
    """(N, 2 · dims, …): how far the centre is from the middle of the place, in places, and the logarithms of the sides,
    in places; each in the order x, y (, z)."""

    def parts(self) -> list[Tensor]:
        """All tensors, one after another."""
        return [self.heat, self.boxes]

    def like(self, parts: Sequence[Tensor]) -> Everywhere:
        """The same of other tensors."""
        return Everywhere(*parts)


class CentreNet(Finder[Everywhere]):
    """An encoder's pyramid, merged, and a few numbers at each place."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        stride: int = 4,
        width: int = 64,
        overlap: float = 0.3,
        most: int = 50,
    ) -> None:
        """Make the layers around `encoder`; their weights are drawn from torch's generator.

        Args:
            dims: 2 for flat images, (N, C, H, W); 3 for volumes, (N, C, D, H, W).
            channels: C.
            outputs: Kinds of findings, and one more for nothing.
            encoder: A network with `pyramid`, `pyramid_facts` and `stages`; its answer is taken off.
            stride: Pixels between places.
            width: Maps of each resolution.
            overlap: Findings that overlap by more than this intersection over union say the same.
            most: Findings an image.

        Raises:
            ShapeError: The encoder takes other images, or has no maps of `stride`.
        """
        super().__init__()
        self.dims, self.channels, self.kinds = dims, channels, outputs - 1
        self.stride, self.overlap, self.most = stride, overlap, most
        self.look = Merged(
            encoder, dims=dims, channels=channels, stride=stride, width=width, outputs=self.kinds + 2 * dims
        )
        bias = self.look.answer.get_parameter("bias")
        with torch.no_grad():
            bias.zero_()
            bias[: self.kinds] = math.log(_PRIOR / (1 - _PRIOR))

    def dense(self, images: Tensor) -> Everywhere:
        """What is computed at every place, whatever is there: the part that other runtimes can take over."""
        numbers = self.look(images)
        return Everywhere(numbers[:, : self.kinds], numbers[:, self.kinds :])

    def forward(self, images: Tensor, truths: Untouched[list[Truth]] | None = None) -> Tensor | list[Found]:
        """In training the losses, (2,): centres, and boxes; else the findings of each image."""
        dense, size = self.dense(images), tuple(images.shape[2:])
        return self.findings(dense, size) if truths is None else self.losses(dense, truths.value, size)

    def losses(self, dense: Everywhere, truths: Sequence[Truth], size: Sequence[int]) -> Tensor:
        """(2,), of what was computed and what is there, for images of `size`."""
        heat, boxes = dense.heat.float(), dense.boxes.float()
        shape = heat.shape[2:]
        wanted = torch.zeros_like(heat)
        apart, lesions = heat.new_zeros(()), 0
        for number, truth in enumerate(truths):
            for box, kind in zip(truth.boxes / self.stride, truth.kinds.tolist(), strict=True):
                centre, sides = (box[: self.dims] + box[self.dims :]) / 2, box[self.dims :] - box[: self.dims]
                place = [min(int(c), side - 1) for c, side in zip(centre.flip(0).tolist(), shape, strict=True)]
                near = _gaussian(place, sides.flip(0), shape)
                wanted[number, kind - 1] = torch.maximum(wanted[number, kind - 1], near)
                places = torch.nonzero(near >= _NEAR)
                middles = places.flip(1).float() + 0.5  # x, y (, z)
                goal = torch.cat([centre - middles, torch.log(sides.clamp(min=0.1)).expand(len(places), -1)], dim=1)
                said = boxes[number][(slice(None), *places.T)].T
                share = near[tuple(places.T)]
                apart = apart + ((said - goal).abs().sum(dim=1) * share).sum() / share.sum()
                lesions += 1
        return torch.stack([_focal(heat, wanted) / max(1, lesions), _SIDES * apart / max(1, lesions)])

    def findings(self, dense: Everywhere, size: Sequence[int]) -> list[Found]:
        """What is found on each image, of what was computed, for images of `size`."""
        heat, boxes = torch.sigmoid(dense.heat.float()), dense.boxes.float()
        heat = heat / heat.sum(dim=1, keepdim=True).clamp(min=1.0)
        sure = heat.sum(dim=1, keepdim=True)
        around = {2: nn.functional.max_pool2d, 3: nn.functional.max_pool3d}[self.dims](sure, 3, stride=1, padding=1)
        peaks = torch.where(sure == around, sure, 0.0).flatten(1)
        shape = heat.shape[2:]
        limits = torch.tensor([*size][::-1], dtype=torch.float32)
        found = []
        for own, shares, numbers in zip(peaks, heat.flatten(2), boxes.flatten(2), strict=True):
            score, place = own.topk(min(2 * self.most, len(own)))
            place = place[score > 0]
            index = torch.stack(torch.unravel_index(place, shape)[::-1], dim=1) + 0.5  # x, y (, z)
            said = numbers[:, place].T
            centre = index + said[:, : self.dims]
            half = torch.exp(said[:, self.dims :].clamp(max=math.log(2 * max(shape)))) / 2
            low = torch.minimum(((centre - half) * self.stride).clamp(min=0.0), limits)
            high = torch.minimum(((centre + half) * self.stride).clamp(min=0.0), limits)
            cut = torch.cat([low, high], dim=1)
            kept = _apart(cut, self.overlap)[: self.most]
            found.append(Found(cut[kept], shares[:, place].T[kept]))
        return found

    def warmth(self, dense: Everywhere) -> Tensor:
        """(N, …), how likely each place is the centre of a finding, of whatever kind."""
        return torch.sigmoid(dense.heat.float()).sum(dim=1).clamp(max=1.0)

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages from the input on, then all that is new, for rates that differ by depth."""
        return self.look.stages()


def _gaussian(place: Sequence[int], sides: Tensor, shape: Sequence[int]) -> Tensor:
    """(*shape), 1 at a place and falling around it, along each axis as the lesion's sides are long."""
    grid = torch.ones([1] * len(shape))
    for axis, (middle, side, length) in enumerate(zip(place, sides.tolist(), shape, strict=True)):
        apart = torch.arange(length, dtype=torch.float32) - middle
        along = torch.exp(-0.5 * (apart / max(_NARROWEST, _SPREAD * side)).square())
        grid = grid * along.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return grid


def _focal(logits: Tensor, wanted: Tensor) -> Tensor:
    """Quality focal loss of logits against how near each place is to a centre, 0 to 1; a sum in nats."""
    apart = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return ((wanted - torch.sigmoid(logits)).square() * apart).sum()


def _apart(boxes: Tensor, overlap: float) -> list[int]:
    """Rows of boxes (n, 2 · dims), the surest first, none of which overlaps a surer one by more than `overlap`; boxes
    without a size are left out."""
    dims = boxes.shape[1] // 2
    sizes = (boxes[:, dims:] - boxes[:, :dims]).clamp(min=0)
    volume = sizes.prod(dim=1)
    kept: list[int] = []
    for row in range(len(boxes)):
        if float(sizes[row].min()) < 1:
            continue
        if kept:
            low, high = (
                torch.maximum(boxes[row, :dims], boxes[kept, :dims]),
                torch.minimum(boxes[row, dims:], boxes[kept, dims:]),
            )
            both = (high - low).clamp(min=0).prod(dim=1)
            if float((both / (volume[row] + volume[kept] - both)).max()) > overlap:
                continue
        kept.append(row)
    return kept
