"""Networks computed by torch, operation by operation: what all other ways are held against."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.reading.runtimes.mirrored import AT_ONCE
from hounsfield.tasks.predict import predict_logits


class Torch:
    """The members of an ensemble, one after the other."""

    words = "torch"

    def __init__(
        self, networks: Sequence[nn.Module], *, flip_axes: Sequence[int] = (), channels_last: bool = False
    ) -> None:
        """Keep the networks, which are in evaluation mode and in the memory order that is said."""
        self._networks = tuple(networks)
        self._flip_axes = tuple(flip_axes)
        self._channels_last = channels_last

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over members and mirrored copies, of images (n, channels, *shape)."""
        means = [self._mean(images) for images in torch.split(torch.from_numpy(arrays), AT_ONCE)]
        found: FloatArray = torch.cat(means).numpy()
        return found

    def _mean(self, images: Tensor) -> Tensor:
        answers = [
            predict_logits(network, images, flip_axes=self._flip_axes, channels_last=self._channels_last)
            for network in self._networks
        ]
        return torch.stack(answers).mean(dim=0)
