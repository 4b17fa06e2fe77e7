"""ImageNet weights put into a network: under its names, folded and inflated as it is."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from hounsfield.errors import WeightsError
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.weights import load_weights

_FOLDED_TOLERANCE = 0.01
"""Largest difference between features before and after folding, as a share of the largest feature."""


def put_imagenet(network: Pretrained, backbone: str, *, folded: bool) -> None:
    """ImageNet weights into the backbone of a pretrained network, folded and inflated as it is.

    Args:
        network: It is changed in place.
        backbone: timm's name of it.
        folded: Whether its batch normalisations are folded into its convolutions.

    Raises:
        WeightsError: They are not at hand, or do not fit.
    """
    found = load_weights(backbone)
    donor = Pretrained(dims=2, channels=3, outputs=1, backbone=backbone, folded=False)
    donor.backbone.load_state_dict(_fitted(found, donor.backbone.state_dict(), backbone))
    if folded:
        _require_foldable(donor, backbone)
    donor.finish(dims=network.dims, folded=folded)
    network.backbone.load_state_dict(donor.backbone.state_dict())


def _require_foldable(network: Pretrained, name: str) -> None:
    """Accept a network that answers the same when its normalisations are folded.

    Raises:
        WeightsError: It does not.
    """
    folded = copy.deepcopy(network).eval()
    folded.finish(dims=2, folded=True)
    images = torch.linspace(0, 1, 3 * 64 * 64).view(1, 3, 64, 64)
    with torch.no_grad():
        expected, found = network.eval().feature_maps(images), folded.feature_maps(images)
    if float((found - expected).abs().max()) > _FOLDED_TOLERANCE * float(expected.abs().max()):
        raise WeightsError(
            f"the batch normalisations of {name} cannot be folded into its convolutions without changing its answers; "
            "set network.folded = false in the plan"
        )


def _fitted(found: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """`found` under the names of `wanted`: by name, or else by order, where every shape agrees."""
    if set(wanted) <= set(found):
        matched = {key: found[key] for key in wanted}
    else:  # the same network under another library's names: everything but the last layer, in the same order
        matched = dict(zip(wanted, found.values(), strict=False))
    odd = [key for key, value in wanted.items() if key not in matched or matched[key].shape != value.shape]
    if odd:
        shape = tuple(matched[odd[0]].shape) if odd[0] in matched else "nothing"
        raise WeightsError(
            f"the weights for {name} do not fit the network: {odd[0]} is {tuple(wanted[odd[0]].shape)}, the weights "
            f"have {shape} ({len(odd)} of {len(wanted)} tensors differ); take weights made for timm's {name}"
        )
    return matched
