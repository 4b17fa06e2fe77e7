"""Instance normalisation with channels innermost, whose gradient is as fast as that of batch normalisation.

PyTorch's own instance normalisation brings channels outermost, which every convolution after it undoes; its group
normalisation leaves them, but with one channel a group its gradient takes five times as long as that of the batch
normalisation. An instance is a batch of one: each is normalised here by the code for batches.

Reference:
    Ulyanov, Vedaldi, Lempitsky, "Instance normalization" (2016), arXiv:1607.08022.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class InstanceNorm(nn.GroupNorm):
    """Each map of each image brought to mean 0 and deviation 1, then to what was learned.

    Answers and gradients are those of `nn.GroupNorm` with one channel a group, but for the order of summation.
    """

    def __init__(self, width: int) -> None:
        """For `width` maps."""
        super().__init__(width, width)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, width, …) of maps (N, width, …)."""
        if not (self.training and torch.is_grad_enabled()):
            return super().forward(maps)
        result: Tensor = _OneByOne.apply(maps, self.weight, self.bias, self.eps)
        return result


class _OneByOne(torch.autograd.Function):
    """Each image of a batch by the code for a batch, forth and back."""

    @staticmethod
    def forward(context: Any, maps: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        found = torch.empty_like(maps)
        kept = torch.empty(2, len(maps), maps.shape[1], dtype=weight.dtype, device=weight.device)
        for number in range(len(maps)):
            part = slice(number, number + 1)
            found[part], kept[0, number], kept[1, number] = torch.native_batch_norm(
                maps[part], weight, bias, None, None, True, 0.0, eps
            )
        context.save_for_backward(maps, weight, kept)
        context.eps = eps
        return found

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        maps, weight, (means, scales) = context.saved_tensors
        of_maps = torch.empty_like(maps)
        of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(weight)
        for number in range(len(maps)):
            part = slice(number, number + 1)
            of_maps[part], more_of_weight, more_of_bias = torch.ops.aten.native_batch_norm_backward(
                gradient[part], maps[part], weight, None, None, means[number], scales[number], True, context.eps,
                (True, True, True),
            )  # fmt: skip
            of_weight += more_of_weight
            of_bias += more_of_bias
        return of_maps, of_weight, of_bias, None
