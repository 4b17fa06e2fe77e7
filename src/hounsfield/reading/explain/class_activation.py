"""Class activation maps: a network's last feature maps, weighted by what they do for an answer.

Grad-CAM weighs each map by the mean of its gradient over space, HiResCAM every place of it by the gradient there. Where
a network averages its maps before a linear answer the two are the same; where it weighs places, only HiResCAM shows
what was used.

Reference:
    Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391;
    Draelos, Carin, "Use HiResCAM instead of Grad-CAM" (2020), arXiv:2011.08891.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hounsfield.arrays import FloatArray
from hounsfield.networks.beside_table import BesideTable
from hounsfield.networks.encoders import Mapped
from hounsfield.reading.explain.lead import lead, scaled


def grad_cam(networks: Sequence[Mapped], images: Tensor, *, output: int) -> FloatArray:
    """Heat maps, (N, *spatial) or (N, views, *spatial) float32 in [0, 1], of what speaks for one output, averaged over
    the networks.

    A feature map's weight is the mean gradient, over space, of the output's lead over the mean of the others. The
    weighted sum, its negative part cut off, is enlarged to the images' size and divided by its maximum; a map without
    anything positive stays 0. The planes of a table have no place in the image and are left out.

    Args:
        networks: In evaluation mode.
        images: (N, C, H, W) or (N, C, D, H, W), as the networks take them.
        output: Index of the answer that is explained.
    """
    return _weighted(networks, images, output, by_place=False)


def hires_cam(networks: Sequence[Mapped], images: Tensor, *, output: int) -> FloatArray:
    """As `grad_cam`, each place of a feature map weighted by its own gradient."""
    return _weighted(networks, images, output, by_place=True)


def _weighted(networks: Sequence[Mapped], images: Tensor, output: int, *, by_place: bool) -> FloatArray:
    heats = []
    for network in networks:
        with torch.enable_grad():
            maps = network.feature_maps(images).detach().requires_grad_()
            (gradient,) = torch.autograd.grad(lead(network.head(maps), output).sum(), maps)
        weights = gradient if by_place else gradient.mean(dim=tuple(range(2, maps.ndim)), keepdim=True)
        weighted = weights * maps.detach()
        if isinstance(network, BesideTable):
            weighted = network.parted(weighted)[0]
        heats.append(_enlarged(torch.relu(weighted.sum(dim=1)), images.shape[2:]))
    found: FloatArray = scaled(torch.stack(heats).sum(dim=0)).numpy()
    return found


def _enlarged(heat: Tensor, shape: Sequence[int]) -> Tensor:
    """(N, *shape) of heat (N, …); (N, I, *shape) where it has one axis more, that of I views."""
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    single = heat.flatten(0, heat.ndim - len(shape) - 1)[:, None]
    enlarged = torch.nn.functional.interpolate(single, size=tuple(shape), mode=mode)[:, 0]
    return enlarged.reshape(*heat.shape[: heat.ndim - len(shape)], *shape)
