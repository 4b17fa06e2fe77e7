"""Grad-CAM: where in the image an answer came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from hounsfield.arrays import FloatArray
from hounsfield.geometry import cropped
from hounsfield.image import Image
from hounsfield.networks.beside_table import BesideTable
from hounsfield.preprocessing.transfer import move_map


@runtime_checkable
class Explainable(Protocol):
    """A network that shows its last feature maps and can go on from them."""

    def feature_maps(self, images: Tensor) -> Tensor:
        """(N, features, …) of images (N, C, …)."""
        ...

    def head(self, maps: Tensor) -> Tensor:
        """Logits (N, outputs) of feature maps."""
        ...


def grad_cam(networks: Sequence[Explainable], images: Tensor, *, output: int) -> FloatArray:
    """Heat maps, (N, *spatial) or (N, views, *spatial) float32 in [0, 1], of what speaks for one output, averaged over
    the networks.

    A feature map's weight is the mean gradient, over space, of the output's lead over the mean of the others. The
    weighted sum, its negative part cut off, is enlarged to the images' size and divided by its maximum; a map without
    anything positive stays 0. The planes of a table have no place in the image and are left out.

    Args:
        networks: In evaluation mode.
        images: (N, C, H, W) or (N, C, D, H, W), as the networks take them.
        output: Index of the answer that is explained.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391.
    """
    heats = []
    for network in networks:
        with torch.enable_grad():
            maps = network.feature_maps(images).detach().requires_grad_()
            logits = network.head(maps)
            others = [column for column in range(logits.shape[1]) if column != output]
            lead = logits[:, output] - logits[:, others].mean(dim=1)
            (gradient,) = torch.autograd.grad(lead.sum(), maps)
        weights = gradient.mean(dim=tuple(range(2, maps.ndim)), keepdim=True)
        weighted = weights * maps.detach()
        if isinstance(network, BesideTable):
            weighted = network.parted(weighted)[0]
        heats.append(_enlarged(torch.relu(weighted.sum(dim=1)), images.shape[2:]))
    total = torch.stack(heats).sum(dim=0)
    highest = total.amax(dim=tuple(range(1, total.ndim)), keepdim=True)
    scaled: FloatArray = torch.where(highest > 0, total / highest, total).numpy()
    return scaled


def _enlarged(heat: Tensor, shape: Sequence[int]) -> Tensor:
    """(N, *shape) of heat (N, …); (N, I, *shape) where it has one axis more, that of I views."""
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    single = heat.flatten(0, heat.ndim - len(shape) - 1)[:, None]
    enlarged = torch.nn.functional.interpolate(single, size=tuple(shape), mode=mode)[:, 0]
    return enlarged.reshape(*heat.shape[: heat.ndim - len(shape)], *shape)


def on_stored_grid(heat: FloatArray, prepared: Image, stored: Image) -> FloatArray:
    """A heat map of the network's input, resampled onto the stored image: (height, width), or (depth, height, width).

    Args:
        heat: (height, width) or (depth, height, width), of the middle of `prepared`.
        prepared: What preprocessing made of the stored image; its affine tells what was cropped, turned and resized.
        stored: The image as it was read.
    """
    volume = heat[None] if heat.ndim == 2 else heat
    start = [(side - part) // 2 for side, part in zip(prepared.shape, volume.shape, strict=True)]
    middle = replace(prepared, voxels=volume[None], affine=cropped(prepared.affine, (start[0], start[1], start[2])))
    moved = move_map(volume, origin=middle, target=stored)
    return moved[0] if stored.planar else moved
