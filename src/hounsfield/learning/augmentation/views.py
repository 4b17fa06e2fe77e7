"""Views of a case that were not taken are all 0, and no change makes anything else of them."""

from __future__ import annotations

import torch
from torch import Tensor


def views_taken(images: Tensor, views: int) -> Tensor:
    """Which views of images (N, views * C, …) were taken, (N, views)."""
    taken: Tensor = (images.unflatten(1, (views, -1)) != 0).flatten(2).any(dim=2)  # type: ignore[no-untyped-call]
    return taken


def only_views(chosen: Tensor, changed: Tensor, images: Tensor) -> Tensor:
    """The changed images, (N, views * C, …), in the views that are chosen, (N, views), and elsewhere as they were."""
    channels = images.shape[1] // chosen.shape[1]
    each = chosen.repeat_interleave(channels, dim=1).view(*images.shape[:2], *[1] * (images.ndim - 2))
    return torch.where(each, changed, images)
