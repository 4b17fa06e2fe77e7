"""Networks by their textbook name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from hounsfield.errors import UnknownNameError
from hounsfield.networks.convnet import ConvNet

NETWORKS: dict[str, Callable[..., nn.Module]] = {"convnet": ConvNet}


def build(name: str, **options: object) -> nn.Module:
    """The network called `name`, with fresh weights.

    Raises:
        UnknownNameError: No network has this name; the message lists the known ones.
    """
    require_network(name)
    return NETWORKS[name](**options)


def build_from(choices: Mapping[str, Any], *, dims: int, channels: int, outputs: int) -> nn.Module:
    """The network of a plan: `choices` holds its "name" and the options that its class takes.

    Raises:
        UnknownNameError: As `build`.
    """
    options = {key: value for key, value in choices.items() if key != "name"}
    return build(choices["name"], dims=dims, channels=channels, outputs=outputs, **options)


def require_network(name: str) -> None:
    """Accept the name of a network.

    Raises:
        UnknownNameError: No network has this name; the message lists the known ones.
    """
    if name not in NETWORKS:
        raise UnknownNameError(f"unknown network {name!r}; known: {', '.join(sorted(NETWORKS))}")
