"""Whether an explanation can be believed: three tests that a picture of a lesion alone does not pass.

- *Parameter randomisation.* The heat of a network whose weights were shuffled must look different: a method that shows
  the same for a network that learned nothing shows the image, not the network.
- *Deletion and insertion.* Taking the hottest places out of the image must lower the answer faster than taking places
  out in random order, and putting them into an empty image must raise it faster. What is taken out becomes the image's
  mean: a blurred mass is still seen to be a mass.
- *Pointing game.* Where the truth is known, the hottest place should lie in it, more often than the hottest places of
  other images would.

Reference:
    Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, arXiv:1810.03292;
    Petsiuk, Das, Saenko, "RISE", BMVC 2018, arXiv:1806.07421 (deletion and insertion);
    Zhang et al., "Top-down neural attention by excitation backprop", IJCV 126 (2018), arXiv:1608.00507 (pointing game).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from hounsfield.arrays import FloatArray
from hounsfield.tasks.predict import memory_order

PARTS = 8
"""Steps in which an image is taken away, or comes back."""

CELLS = 16
"""Places along a side that are taken away together: single pixels would only make noise."""

_BATCH = 9


def shuffled(network: nn.Module, *, seed: int = 0) -> nn.Module:
    """A copy of a network, the values of each of its weights in another order: as large, and nothing learned."""
    made = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return made.eval()


def agreement(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation of two heat maps of one image, in [-1, 1]; 0 where one is the same everywhere."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    step = max(1, one.size // 20_000)
    return float(spearmanr(one.ravel()[::step], other.ravel()[::step]).statistic)


def removal_areas(
    networks: Sequence[nn.Module],
    image: Tensor,
    heat: FloatArray,
    *,
    output: int,
    views: int = 1,
    channels: int | None = None,
) -> tuple[float, float]:
    """Areas under the probability of an output as an image goes (deletion) and comes (insertion), the hottest first.

    Args:
        networks: In evaluation mode; their probabilities are averaged.
        image: (C, H, W) or (C, D, H, W).
        heat: (*spatial), or (views, *spatial), of any values: only their order counts.
        output: Whose probability is followed.
        views: Images of the case, one after another in the channels.
        channels: Of one of them; what lies behind them is a table's, and stays. All where not given.
    """
    by_view = heat[None] if heat.ndim == image.ndim - 1 else heat
    order = _cells_by_heat(by_view)
    channels = channels or image.shape[0] // views
    empty = image.clone()
    for channel in range(views * channels):
        empty[channel] = image[channel].mean()
    going, coming = [image], [empty]
    for part in range(1, PARTS + 1):
        gone = torch.from_numpy(order < part / PARTS * (order.max() + 1)).repeat_interleave(channels, dim=0)
        whole = torch.zeros(image.shape, dtype=torch.bool)
        whole[: views * channels] = gone
        going.append(torch.where(whole, empty, image))
        coming.append(torch.where(whole, image, empty))
    followed = _probability(networks, torch.stack(going + coming), output)
    deletion, insertion = followed[: PARTS + 1], followed[PARTS + 1 :]
    return _area(deletion), _area(insertion)


def _cells_by_heat(heat: FloatArray) -> FloatArray:
    """(views, *spatial): the rank of each place's cell, the hottest cell 0; equal ones in a fixed random order."""
    cells = [np.minimum(np.arange(side) * CELLS // side, CELLS - 1) for side in heat.shape[1:]]
    index = np.zeros(heat.shape, dtype=np.int64) + np.arange(len(heat)).reshape(-1, *[1] * (heat.ndim - 1))
    for axis, own in enumerate(cells, start=1):
        shape = [1] * heat.ndim
        shape[axis] = -1
        index = index * CELLS + own.reshape(shape)
    _, place = np.unique(index, return_inverse=True)
    place = place.reshape(heat.shape)
    mean = np.bincount(place.ravel(), weights=heat.ravel()) / np.bincount(place.ravel())
    luck = np.random.default_rng(0).permutation(len(mean))
    rank = np.empty(len(mean), dtype=np.float64)
    rank[np.lexsort((luck, -mean))] = np.arange(len(mean))
    ranked: FloatArray = rank[place]
    return ranked


@torch.inference_mode()
def _probability(networks: Sequence[nn.Module], images: Tensor, output: int) -> FloatArray:
    parts = []
    for start in range(0, len(images), _BATCH):
        batch = memory_order(images[start : start + _BATCH], channels_last=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.ops.mkldnn._is_mkldnn_bf16_supported()):
            logits = [network(batch).float() for network in networks]
        parts.append(torch.stack([torch.softmax(each, dim=1) for each in logits]).mean(dim=0))
    found: FloatArray = torch.cat(parts)[:, output].numpy()
    return found


def _area(values: FloatArray) -> float:
    return float(np.trapezoid(values, dx=1 / (len(values) - 1)))
