"""Features of pictures by a network pretrained on photographs: pictures of one texture lie close together."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from hounsfield.networks.imagenet import put_imagenet
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.weights import at_hand

NETWORK = "tf_efficientnet_lite0"


def features_of(pictures: Tensor) -> Tensor:
    """(n, features) of unit length, of pictures (n, planes, side, side) with values 0 to 255.

    The planes of a volume are looked at each by itself, and their features put together.

    Raises:
        WeightsError: The network's weights are not at hand.
    """
    network, precision = _network()
    count, planes, side, _ = pictures.shape
    with torch.inference_mode():
        grey = (pictures.reshape(count * planes, 1, side, side).float() / 255).to(precision)
        found = network.pooled(grey.contiguous(memory_format=torch.channels_last)).float().reshape(count, -1)
    return torch.nn.functional.normalize(found, dim=1)


def can_look() -> bool:
    """Whether the network's weights are at hand."""
    return at_hand(NETWORK)


@functools.cache
def _network() -> tuple[Pretrained, torch.dtype]:
    """The network and the precision of its weights: bfloat16 where the processor can, for one picture at a time is
    looked at quicker so than under autocast."""
    network = Pretrained(dims=2, channels=1, outputs=1, backbone=NETWORK, folded=True)
    put_imagenet(network, NETWORK, folded=True)
    precision = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
    return network.eval().to(precision).to(memory_format=torch.channels_last), precision
