"""Depthwise convolutions whose gradients are made of what a CPU computes fast.

For some gradients of depthwise convolutions oneDNN has no fast code, and takes ten to a hundred times as long as for
their like:

- of a kernel larger than 3 × 3. One tap's gradient depends on no other tap, so that of a 5 × 5 kernel is put together
  here from four 3 × 3 gradients on shifted inputs;
- in bfloat16, where the kernel moves in strides: these are computed in float32.

The answers and the gradients are those of the plain convolution, but for the order of summation.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_TILE = 3
"""Side of the kernels that oneDNN has fast gradients for."""

Pair = tuple[int, int]


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution with gradients in parts."""

    def forward(self, images: Tensor) -> Tensor:
        """As `nn.Conv2d`: (N, C, H', W') of images (N, C, H, W)."""
        images = self.padded(images)
        if not (self.training and self.weight.requires_grad and torch.is_grad_enabled()):
            return super().forward(images)
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            images, weight, bias = images.to(kind), weight.to(kind), None if bias is None else bias.to(kind)
        result: Tensor = _Depthwise.apply(images, weight, bias, self.stride, self.padding)
        return result

    def padded(self, images: Tensor) -> Tensor:
        """The images as the convolution, which pads by itself, takes them."""
        return images


class DepthwiseConv2dSame(DepthwiseConv2d):
    """The same for timm's `Conv2dSame`, which pads as TensorFlow does: by what is missing to whole strides."""

    def padded(self, images: Tensor) -> Tensor:
        """The images with zeros around them, more of them below and to the right where they do not divide by two."""
        widths: list[int] = []
        for length, side, stride in zip(images.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max((math.ceil(length / stride) - 1) * stride + side - length, 0)
            widths += [missing // 2, missing - missing // 2]
        return nn.functional.pad(images, widths)


def speed_up_depthwise(network: nn.Module) -> int:
    """Let every depthwise convolution that gains from it compute its gradients in parts; says how many there are.

    Weights, names and answers stay as they are.
    """
    changed = 0
    for layer in network.modules():
        kind = _KINDS.get(type(layer).__name__)
        if kind is not None and isinstance(layer, nn.Conv2d) and _gains(layer):
            layer.__class__ = kind
            changed += 1
    return changed


_KINDS = {"Conv2d": DepthwiseConv2d, "Conv2dSame": DepthwiseConv2dSame}
"""By the name of the class, for timm need not be here."""


def _gains(layer: nn.Conv2d) -> bool:
    side = layer.kernel_size[0]
    return (
        layer.groups == layer.in_channels == layer.out_channels > 1
        and layer.kernel_size == (side, side)
        and (side > _TILE or (side == _TILE and max(layer.stride) > 1))
        and layer.dilation == (1, 1)
        and not isinstance(layer.padding, str)
        and layer.padding_mode == "zeros"
    )


class _Depthwise(torch.autograd.Function):
    """The convolution, and its gradients."""

    @staticmethod
    def forward(
        context: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: Pair
    ) -> Tensor:
        context.save_for_backward(images, weight)
        context.stride, context.padding, context.with_bias = stride, padding, bias is not None
        return torch.conv2d(images, weight, bias, stride, padding, 1, images.shape[1])

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        images, weight = context.saved_tensors
        stride, padding = context.stride, context.padding
        of_bias = gradient.sum(dim=(0, 2, 3)) if context.with_bias else None
        kind = images.dtype
        if max(stride) > 1:
            gradient, images, weight = gradient.float(), images.float(), weight.float()
        of_images = None
        if context.needs_input_grad[0]:
            of_images = _plain(gradient, images, weight, stride, padding, which=0).to(kind)
        if max(stride) > 1 or weight.shape[-1] == _TILE:
            of_weight = _plain(gradient, images, weight, stride, padding, which=1)
        else:
            of_weight = kernel_gradient(images, gradient, weight.shape[-1], padding)
        return of_images, of_weight.to(kind), of_bias, None, None


def kernel_gradient(images: Tensor, gradient: Tensor, side: int, padding: Pair) -> Tensor:
    """Gradient, (C, 1, side, side), of a depthwise kernel that moves pixel by pixel, in 3 × 3 parts.

    Args:
        images: (N, C, H, W), what was convolved.
        gradient: (N, C, H', W'), of the result.
        side: Of the kernel, 3 or more.
        padding: Down and across.
    """
    down, across = padding
    padded = nn.functional.pad(images, (across, across, down, down))
    rows, columns = (length - 1 + _TILE for length in gradient.shape[2:])
    part = images.new_zeros(images.shape[1], 1, _TILE, _TILE)
    whole = images.new_empty(images.shape[1], 1, side, side)
    for top in _starts(side):
        for left in _starts(side):
            shifted = padded[:, :, top : top + rows, left : left + columns]
            shifted = shifted.contiguous(memory_format=torch.channels_last)
            found = _plain(gradient, shifted, part, (1, 1), (0, 0), which=1)
            whole[:, :, top : top + _TILE, left : left + _TILE] = found
    return whole


def _starts(side: int) -> list[int]:
    """First taps of parts that together cover a kernel."""
    return [*range(0, side - _TILE, _TILE), side - _TILE]


def _plain(gradient: Tensor, images: Tensor, weight: Tensor, stride: Pair, padding: Pair, *, which: int) -> Tensor:
    """PyTorch's own gradient: 0, of the images; 1, of the kernel."""
    wanted = (which == 0, which == 1, False)
    groups = images.shape[1]
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient, images, weight, None, stride, padding, (1, 1), False, (0, 0), groups, wanted
    )
    return found[which]
