"""What networks find on images, in validation and in reading alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hounsfield.networks.answering import mirrors
from hounsfield.networks.found import Found
from hounsfield.tasks.detection import Findings, fused, mirrored_back
from hounsfield.tasks.predict import memory_order

Look = Callable[[Tensor], Sequence[Sequence[Found]]]
"""Of images (N, C, …), for each network what it finds on each of them."""


def find(
    look: Look,
    images: Tensor,
    *,
    flip_axes: Sequence[int] = (),
    overlap: float,
    most: int,
) -> list[Findings]:
    """What is found on images (N, C, …), in their pixels, by all networks and on all mirrored copies together.

    Args:
        look: What each network finds on images.
        images: Of the networks' input shape.
        flip_axes: Spatial axes, 0 for the first after the channels, that a copy may be reversed along.
        overlap: Intersection over union from which on findings of two voices are one.
        most: Findings an image.
    """
    shape = tuple(images.shape[2:])
    voices: list[list[Findings]] = []
    for mirror in mirrors(flip_axes):
        copy = images.flip([axis + 2 for axis in mirror]) if mirror else images
        for own in look(copy):
            voices.append([mirrored_back(as_arrays(one), mirror, shape) for one in own])
    return [fused(one, overlap=overlap, most=most) for one in zip(*voices, strict=True)]


def by_torch(network: nn.Module, *, channels_last: bool) -> Look:
    """How a network in evaluation mode looks at images, its weights in this memory order."""

    def look(images: Tensor) -> list[list[Found]]:
        with torch.inference_mode():
            return [network(memory_order(images, channels_last=channels_last))]

    return look


def as_arrays(found: Found) -> Findings:
    """What a network found on one image, as float32 arrays."""
    return Findings(found.boxes.float().numpy(), found.probabilities.float().numpy())
