"""Networks by their textbook name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import nn

from hounsfield.errors import UnknownNameError
from hounsfield.networks.box_regression import BoxRegression
from hounsfield.networks.centres import CentreNet
from hounsfield.networks.convnet import ConvNet
from hounsfield.networks.heatmap import HeatMap
from hounsfield.networks.multiple_instance import MultipleInstance
from hounsfield.networks.policy import Policy
from hounsfield.networks.pretrained import Pretrained
from hounsfield.networks.recurrent import Recurrent
from hounsfield.networks.residual import ResidualNet
from hounsfield.networks.unet import UNet


def _faster_rcnn(**options: Any) -> nn.Module:
    from hounsfield.networks.faster_rcnn import FasterRCNN  # torchvision's parts: not for those who need none

    return FasterRCNN(**options)


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "convnet": ConvNet,
    "residual": ResidualNet,
    "pretrained": Pretrained,
    "multiple_instance": MultipleInstance,
    "faster_rcnn": _faster_rcnn,
    "centres": CentreNet,
    "heatmap": HeatMap,
    "box_regression": BoxRegression,
    "policy": Policy,
    "unet": UNet,
    "recurrent": Recurrent,
}


def build(name: str, **options: object) -> nn.Module:
    """The network called `name`, with fresh weights.

    Raises:
        UnknownNameError: No network has this name; the message lists the known ones.
    """
    if name not in NETWORKS:
        raise UnknownNameError(f"unknown network {name!r}; known: {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name](**options)


def build_from(choices: Mapping[str, Any], *, dims: int, channels: int, outputs: int) -> nn.Module:
    """The network of a plan: `choices` holds its "name" and the options that its class takes.

    Raises:
        UnknownNameError: As `build`.
        ShapeError: The network is not made for so many axes or channels.
    """
    options = {key: value for key, value in choices.items() if key != "name"}
    if "encoder" in options:
        over = options.get("over", "slices" if choices["name"] == "recurrent" else "")
        inner: Literal[2, 3] = 3 if dims == 3 and not over else 2
        outlining = choices["name"] == "recurrent"
        options["encoder"] = _encoder(
            options["encoder"], over=over, outlining=outlining, dims=inner, channels=channels, outputs=outputs
        )
    return build(choices["name"], dims=dims, channels=channels, outputs=outputs, **options)


def _encoder(
    choices: Mapping[str, Any], *, over: str, outlining: bool, dims: Literal[2, 3], channels: int, outputs: int
) -> nn.Module:
    """The network inside; one that outlines slices sees each between its neighbours, and so does a pretrained one that
    looks at grey slices."""
    neighbours = outlining or (over == "slices" and choices["name"] == "pretrained" and channels == 1)
    return build_from(choices, dims=dims, channels=3 * channels if neighbours else channels, outputs=outputs)
