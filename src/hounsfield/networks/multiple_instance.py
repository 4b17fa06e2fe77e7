"""Attention over many images of one case: the slices of a volume, or the views of a breast, and one answer.

One flat network looks at each instance; a small gated network weighs what it saw; the weighted mean answers. So a
case's label teaches which of its slices, or views, matter.

Reference:
    Ilse, Tomczak, Welling, "Attention-based deep multiple instance learning" (2018), arXiv:1802.04712.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError
from hounsfield.networks.encoders import Encoder, Mapped, answer_width
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.slices import between_neighbours, one_by_one, slices_of


class MultipleInstance(Mapped):
    """An encoder for each instance, gated attention over them, and a linear answer."""

    def __init__(
        self,
        *,
        dims: Literal[2, 3],
        channels: int,
        outputs: int,
        encoder: Encoder,
        over: Literal["slices", "views"] = "slices",
        stride: int = 1,
        attention: int = 64,
        dropout: float = 0.3,
    ) -> None:
        """Make the layers around `encoder`; their weights are drawn from torch's generator.

        Args:
            dims: 3 for slices of volumes (N, C, D, H, W); 2 for views (N, V, C, H, W), or (N, V * C, H, W), the views
                one after another. A view that was not taken is 0 everywhere.
            channels: C, of one slice or view.
            outputs: Length of the answer.
            encoder: A flat network with `feature_maps`, `stages` and a linear `answer`, which is taken off; one that
                takes three channels where `channels` is 1 is shown each slice between its neighbours.
            over: What the instances are.
            stride: Every how many slices are looked at.
            attention: Width of the layer that weighs the instances.
            dropout: Share of the weighted features set to zero in training.

        Raises:
            ShapeError: `over` and `dims` do not fit each other, or the encoder takes other images.
        """
        super().__init__()
        taken = encoder.channels
        neighbours = over == "slices" and between_neighbours(channels, taken)
        if (over == "slices") != (dims == 3) or encoder.dims != 2 or not (taken == channels or neighbours):
            raise ShapeError(
                f"{over} of {dims}-D images with {channels} channels do not go into an encoder of {encoder.dims}-D "
                f"images with {taken}"
            )
        self.dims = dims
        self.channels = channels
        self.over = over
        self.stride = stride
        self.neighbours = neighbours
        self.smallest_side = encoder.smallest_side
        width = answer_width(encoder.answer)
        encoder.answer = nn.Identity()
        if isinstance(encoder, Pretrained):
            encoder.attention = None  # within an instance its features are averaged
        self.encoder = encoder
        self.what = nn.Linear(width, attention)
        self.gate = nn.Linear(width, attention)
        self.weigh = nn.Linear(attention, 1)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(width, outputs)

    def instances(self, images: Tensor) -> Tensor:
        """(N, I, C', H, W): the slices or views of each case, as the encoder takes them.

        Raises:
            ShapeError: The images have another number of axes or channels, or are too small.
        """
        found = tuple(images.shape)
        if self.over == "views" and images.ndim == 5 and images.shape[2] == self.channels:
            images = images.flatten(1, 2)
        fits = images.ndim == self.dims + 2 and images.shape[1] % self.channels == 0
        if self.over == "slices":
            fits = fits and images.shape[1] == self.channels
        if not fits or min(images.shape[-2:]) < self.smallest_side:
            wanted = "(N, V, C, H, W) or (N, V * C, H, W)" if self.over == "views" else "(N, C, D, H, W)"
            raise ShapeError(
                f"the network takes {wanted} with C = {self.channels} and at least {self.smallest_side} pixels a side, "
                f"not {found}"
            )
        if self.over == "views":
            return images.reshape(images.shape[0], -1, self.channels, *images.shape[2:])
        slices = slices_of(images, neighbours=self.neighbours)
        return slices[:, min(self.stride, slices.shape[1]) // 2 :: self.stride]

    def feature_maps(self, images: Tensor) -> Tensor:
        """Maps of every instance's last layer, (N, F, I, h, w); all 0 for a view that was not taken.

        Raises:
            ShapeError: As `instances`.
        """
        instances = self.instances(images)
        together = one_by_one(instances, images)
        maps = self.encoder.feature_maps(together) if self.over == "slices" else self._encoded_where_taken(together)
        return maps.reshape(-1, instances.shape[1], *maps.shape[1:]).transpose(1, 2)

    def _encoded_where_taken(self, flat: Tensor) -> Tensor:
        """Maps of views, 0 where `flat` is; in training these views do not touch the encoder's normalisations."""
        taken = (flat != 0).flatten(1).any(dim=1)
        if self.training and bool(taken.any()):
            rows = taken.nonzero()[:, 0]
            maps = self.encoder.feature_maps(flat[rows])
            return maps.new_zeros(flat.shape[0], *maps.shape[1:]).index_copy(0, rows, maps)
        maps = self.encoder.feature_maps(flat)
        return maps * taken[:, None, None, None].to(maps.dtype)

    def attention(self, images: Tensor) -> Tensor:
        """Weight of each slice or view, (N, I), 1 in all; 0 for a view that was not taken, unless none was."""
        return self._weights(*_described(self.feature_maps(images)))

    def _weights(self, features: Tensor, taken: Tensor) -> Tensor:
        """Weights (N, I) of features (N, I, F)."""
        heat = self.weigh(torch.tanh(self.what(features)) * torch.sigmoid(self.gate(features)))[..., 0]
        return torch.softmax(heat.float() + (taken.float() - 1) * 1e4, dim=1)

    def weighted(self, maps: Tensor) -> Tensor:
        """Features (N, F) of maps (N, F, I, h, w), weighted over the instances."""
        features, taken = _described(maps)
        weights = self._weights(features, taken)
        return torch.einsum("ni,nif->nf", weights.to(features.dtype), features)

    def pooled(self, images: Tensor) -> Tensor:
        """Features of the case, (N, F): those of its instances, weighted."""
        return self.weighted(self.feature_maps(images))

    def head(self, maps: Tensor) -> Tensor:
        """Logits, (N, outputs), of feature maps (N, F, I, h, w)."""
        logits: Tensor = self.answer(self.dropout(self.weighted(maps)))
        return logits

    def stages(self) -> list[list[nn.Module]]:
        """The encoder's stages, the attention and the answer, for rates that differ by depth."""
        return [*self.encoder.stages()[:-1], [self.what, self.gate, self.weigh], [self.answer]]


def _described(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Each instance's features averaged over space, (N, I, F), and whether it was taken, (N, I)."""
    return maps.mean(dim=(3, 4)).transpose(1, 2), (maps != 0).flatten(3).any(dim=3).any(dim=1)
