"""Logits of a batch: mirrored copies averaged. The same in validation and in reading."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hounsfield.networks.answering import mirrors


def centre(images: Tensor, shape: Sequence[int]) -> Tensor:
    """The middle of images (N, C, …) with the given spatial shape.

    Raises:
        ValueError: An axis of `shape` is longer than the image's.
    """
    for axis, side in enumerate(shape, start=2):
        spare = images.shape[axis] - side
        if spare < 0:
            raise ValueError(f"cannot cut {tuple(shape)} from the middle of {tuple(images.shape[2:])}")
        images = images.narrow(axis, spare // 2, side)
    return images


def memory_order(images: Tensor, *, channels_last: bool) -> Tensor:
    """The images in the memory order a network wants: channels innermost, or as they are."""
    if not channels_last:
        return images.contiguous()
    return images.contiguous(memory_format=torch.channels_last if images.ndim == 4 else torch.channels_last_3d)


def network_in_order(network: nn.Module, *, channels_last: bool) -> nn.Module:
    """The network, in place, with the kernels of its convolutions in the memory order its images come in."""
    if channels_last:
        for parameter in network.parameters():
            if parameter.ndim in (4, 5):
                parameter.data = memory_order(parameter.data, channels_last=True)
    return network


@torch.inference_mode()
def predict_logits(
    network: nn.Module, images: Tensor, *, flip_axes: Sequence[int] = (), channels_last: bool = True
) -> Tensor:
    """Logits, (N, outputs) float32, averaged over all mirrored copies along `flip_axes`.

    Args:
        network: In evaluation mode.
        images: (N, C, H, W) or (N, C, D, H, W), of the network's input shape.
        flip_axes: Spatial axes, 0 for the first after the channels, that a copy may be reversed along.
        channels_last: Memory order the network's weights are in.
    """
    copies = (images.flip([axis + 2 for axis in mirror]) if mirror else images for mirror in mirrors(flip_axes))
    answers = [network(memory_order(copy, channels_last=channels_last)).float() for copy in copies]
    return torch.stack(answers).mean(dim=0)
