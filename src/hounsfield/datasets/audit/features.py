"""Features of pictures by a network pretrained on photographs: pictures of one texture lie close together."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from hounsfield.networks.imagenet import put_imagenet
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.weights import at_hand

NETWORK = "tf_efficientnet_lite0"


class Features(nn.Module):
    """From pictures (n, planes, side, side) with values 0 to 255 to features (n, features) of unit length.

    The planes of a volume are looked at each by itself, and their features put together.
    """

    def __init__(self, network: Pretrained, precision: torch.dtype) -> None:
        """Take the network, whose weights are of that precision."""
        super().__init__()
        self.network = network
        self._precision = precision

    def forward(self, pictures: Tensor) -> Tensor:
        """As the class says; pictures of any number type, features float32."""
        _, planes, side, _ = pictures.shape
        grey = (pictures.reshape(-1, 1, side, side).float() / 255).to(self._precision)
        found = self.network.pooled(grey.contiguous(memory_format=torch.channels_last)).float()
        return nn.functional.normalize(found.reshape(-1, planes * found.shape[1]), dim=1)


def features_of(pictures: Tensor) -> Tensor:
    """What `Features` gives of pictures (n, planes, side, side), in the precision that is quickest here.

    Raises:
        WeightsError: The network's weights are not at hand.
    """
    bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    network = features_network(torch.bfloat16 if bf16 else torch.float32)
    with torch.inference_mode():
        found: Tensor = network(pictures)
    return found


def can_look() -> bool:
    """Whether the network's weights are at hand."""
    return at_hand(NETWORK)


@functools.cache
def features_network(precision: torch.dtype) -> Features:
    """The network with weights of a precision: of one picture at a time that is quicker than autocast.

    Raises:
        WeightsError: Its weights are not at hand.
    """
    network = Pretrained(dims=2, channels=1, outputs=1, backbone=NETWORK, folded=True)
    put_imagenet(network, NETWORK, folded=True)
    return Features(network.to(precision).to(memory_format=torch.channels_last), precision).eval()
