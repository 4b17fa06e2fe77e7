"""The methods by name, and one way to call them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.networks.encoders import Mapped
from hounsfield.reading.explain.class_activation import grad_cam, hires_cam
from hounsfield.reading.explain.integrated_gradients import integrated_gradients
from hounsfield.reading.explain.occlusion import occlusion

MethodName = Literal["grad_cam", "hires_cam", "integrated_gradients", "occlusion"]

METHODS: tuple[MethodName, ...] = get_args(MethodName)


def explainable(networks: Sequence[nn.Module], method: MethodName) -> bool:
    """Whether a method can explain these networks: class activation maps need networks that show their maps."""
    return method not in _BY_MAPS or all(isinstance(network, Mapped) for network in networks)


def explain(
    method: MethodName,
    networks: Sequence[nn.Module],
    images: Tensor,
    *,
    output: int,
    views: int = 1,
    channels: int | None = None,
) -> FloatArray:
    """Heat maps, (N, *spatial) or, of several views, (N, views, *spatial), in [0, 1].

    Args:
        method: One of `METHODS`, that can explain the networks.
        networks: In evaluation mode.
        images: As the networks take them.
        output: Index of the answer that is explained.
        views: How many images a case has.
        channels: Of one of them; what lies behind them is a table's. All where not given.
    """
    if method in _BY_MAPS:
        able = [network for network in networks if isinstance(network, Mapped)]
        return _BY_MAPS[method](able, images, output=output)
    by_images = integrated_gradients if method == "integrated_gradients" else occlusion
    return by_images(networks, images, output=output, views=views, channels=channels)


_BY_MAPS: dict[MethodName, Callable[..., FloatArray]] = {"grad_cam": grad_cam, "hires_cam": hires_cam}
