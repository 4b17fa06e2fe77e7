"""A flat network made into one for volumes: every kernel repeated along depth and divided by its new length.

On a volume whose slices are all alike it sees what the flat network sees, so what was learned from photographs is where
the training on volumes begins. Depth is halved where height is.

A layer can be flat by its code as well as by its weights, such as a mean over the axes 2 and 3. That shows in no type,
so the answers are compared once, on equal slices, and a network that does not pass is refused.

Reference:
    Carreira, Zisserman, "Quo vadis, action recognition?" (2017), arXiv:1705.07750.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from hounsfield.errors import ShapeError

FLAT = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Dropout2d)
"""Layers that have a counterpart for volumes; of their subclasses only those in `MAKERS` do."""

TOLERANCE = 1e-3
"""Largest difference of two answers that are taken for equal, as a share of the largest value."""

_SIDE = 64
"""Height and width of the image on which the two networks are compared."""


def inflate(network_2d: nn.Module) -> nn.Module:
    """A copy of a flat network of convolutions that takes volumes, (N, C, D, H, W).

    Args:
        network_2d: Any network whose layers are torch's, or timm's `Conv2dSame` and `BatchNormAct2d`. Attributes `dims`
            become 3.

    Raises:
        ShapeError: A layer has no counterpart for volumes; the message names it.
    """
    _require_equal_answers(network_2d)
    return _inflated(deepcopy(network_2d))


def _inflated(layer: nn.Module, *, thin: bool = False) -> nn.Module:
    """The layer for volumes, its parts replaced in place.

    With `thin` kernels, one slice deep, slices are looked at one by one, and where height is halved every other one is
    dropped.
    """
    if (maker := MAKERS.get(type(layer).__name__)) is not None:
        return maker(layer, thin).train(layer.training)
    if isinstance(layer, FLAT):
        raise ShapeError(
            f"a {type(layer).__name__} has no counterpart for volumes: take another backbone, or look at slices with "
            "a network of multiple instances"
        )
    for name, part in list(layer.named_children()):
        setattr(layer, name, _inflated(part, thin=thin))
    if getattr(layer, "dims", None) == 2:
        layer.dims = 3  # type: ignore[assignment]
    return layer


class Conv3dSame(nn.Conv3d):
    """A convolution that pads by the size of its input, more behind than before, as TensorFlow and timm do."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, out, ceil(D / stride), …) of volumes (N, in, D, H, W)."""
        sides = zip(input.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True)
        missing = [max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0) for n, k, s, d in sides]
        padding = [part for total in reversed(missing) for part in (total // 2, total - total // 2)]
        return super().forward(nn.functional.pad(input, padding))


def _convolution(layer: Any, thin: bool, kind: type[nn.Conv3d] = nn.Conv3d) -> nn.Module:
    kernel, stride, padding = _deep(layer.kernel_size, layer.stride, layer.padding, thin)
    inflated = kind(
        layer.in_channels,
        layer.out_channels,
        kernel,
        stride=stride,
        padding=padding,
        dilation=(layer.dilation[0], *layer.dilation),
        groups=layer.groups,
        bias=False,
        padding_mode=layer.padding_mode,
        device="meta",
    )
    repeated = layer.weight.detach()[:, :, None].repeat(1, 1, kernel[0], 1, 1) / kernel[0]
    inflated.weight = nn.Parameter(repeated, requires_grad=layer.weight.requires_grad)
    inflated.bias = layer.bias
    return inflated


def _normalisation(layer: Any, thin: bool) -> nn.Module:
    """Batch normalisation with the same weights and statistics; what timm has in the same module follows it."""
    inflated = nn.BatchNorm3d(
        layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats, device="meta"
    )
    for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
        setattr(inflated, name, getattr(layer, name))
    rest = {name: _inflated(part, thin=thin) for name, part in layer.named_children()}
    return nn.Sequential(OrderedDict(norm=inflated, **rest)) if rest else inflated


def _max_pooling(layer: nn.MaxPool2d, thin: bool) -> nn.Module:
    kernel, stride, padding = _deep(layer.kernel_size, layer.stride, layer.padding, thin)
    dilation = _pair(layer.dilation)
    return nn.MaxPool3d(
        kernel,
        stride,
        padding,
        (dilation[0], *dilation),
        return_indices=layer.return_indices,
        ceil_mode=layer.ceil_mode,
    )


def _average_pooling(layer: nn.AvgPool2d, thin: bool) -> nn.Module:
    kernel, stride, padding = _deep(layer.kernel_size, layer.stride, layer.padding, thin)
    if layer.divisor_override is not None:
        raise ShapeError("an AvgPool2d with a divisor of its own has no counterpart for volumes: leave the divisor out")
    return nn.AvgPool3d(kernel, stride, padding, layer.ceil_mode, layer.count_include_pad)


def _deep(kernel: Any, stride: Any, padding: Any, thin: bool) -> tuple[Any, Any, Any]:
    """Kernel, stride and padding, (d, h, w) each: depth as height, or a single slice."""
    kernel, stride = _pair(kernel), _pair(stride)
    depth = 1 if thin else kernel[0]
    if not isinstance(padding, str):
        padding = _pair(padding)
        padding = (padding[0] * (depth - 1) // max(kernel[0] - 1, 1), *padding)
    return (depth, *kernel), (stride[0], *stride), padding


def _pair(value: Any) -> tuple[Any, Any]:
    """(h, w) of a number or of a pair."""
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _output_size(layer: Any) -> Any:
    height, width = _pair(layer.output_size)
    return height, height, width


Maker = Callable[[Any, bool], nn.Module]

MAKERS: dict[str, Maker] = {
    "Conv2d": _convolution,
    "Conv2dSame": partial(_convolution, kind=Conv3dSame),
    "BatchNorm2d": _normalisation,
    "BatchNormAct2d": _normalisation,
    "MaxPool2d": _max_pooling,
    "AvgPool2d": _average_pooling,
    "AdaptiveAvgPool2d": lambda layer, thin: nn.AdaptiveAvgPool3d(_output_size(layer)),
    "AdaptiveMaxPool2d": lambda layer, thin: nn.AdaptiveMaxPool3d(_output_size(layer), layer.return_indices),
    "Dropout2d": lambda layer, thin: nn.Dropout3d(layer.p, layer.inplace),
}
"""What makes a layer's counterpart for volumes, by the name of its class in torch or timm."""


def _require_equal_answers(network_2d: nn.Module) -> None:
    """Accept a network whose inflation to depth 1 answers to two equal slices as the network does to one.

    Raises:
        ShapeError: A layer's output differs; the message names the first.
    """
    network = deepcopy(network_2d).eval()
    image = _test_image(network)
    flat: dict[str, Tensor] = {}
    deep: dict[str, Tensor] = {}
    _note_outputs(network, image, flat)
    inflated = _inflated(network, thin=True)
    with suppress(Exception):  # of whatever kind: the layer that raised it has no output, and is named below
        _note_outputs(inflated, image[:, :, None].repeat(1, 1, 2, 1, 1), deep)
    for name, expected in flat.items():
        if name not in deep or not _alike(expected, deep[name]):
            raise ShapeError(
                f"{type(network_2d).__name__} cannot be inflated for volumes: {name or 'its answer'} does not see in "
                "equal slices what it sees in one, as it is flat by its code; take another backbone, or look at slices "
                "with a network of multiple instances"
            )


def _test_image(network: nn.Module) -> Tensor:
    """(1, C, `_SIDE`, `_SIDE`): noise that grows brighter to one corner, so that no two rows or columns are alike."""
    of_layers = (layer.in_channels for layer in network.modules() if isinstance(layer, nn.Conv2d))
    channels: Any = getattr(network, "channels", next(of_layers, 1))
    noise = torch.rand(1, int(channels), _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(0, 1, _SIDE)
    return noise + ramp + ramp[:, None]


def _note_outputs(network: nn.Module, images: Tensor, outputs: dict[str, Tensor]) -> None:
    """Answer, and put what each layer gave into `outputs` under its name, in the order in which they were done."""

    def note(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            outputs[name] = output

    hooks = [layer.register_forward_hook(partial(note, name)) for name, layer in network.named_modules()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()


def _alike(flat: Tensor, deep: Tensor) -> bool:
    """Whether an output for equal slices is that for one of them, in every slice or without slices."""
    if deep.ndim == flat.ndim + 1 and deep.shape[:2] + deep.shape[3:] == flat.shape:
        flat = flat[:, :, None]
    elif deep.shape != flat.shape:
        return False
    return bool((deep - flat).abs().max() <= TOLERANCE * flat.abs().max())
