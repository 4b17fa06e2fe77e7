"""Mixup: a network learns from sums of two images, whose truth is as mixed as they are.

What it must answer then changes slowly from one case to another, which few cases learned by heart do not allow.

Reference:
    Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization" (2018), arXiv:1710.09412.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hounsfield.learning.augmentation.views import only_views, views_taken
from hounsfield.plan import Augmentation


@dataclass(frozen=True, eq=False)
class Mixing:
    """share * each image + (1 - share) * its partner."""

    share: float
    """Of the image itself, in [0.5, 1]."""
    partners: Tensor
    """Place in the batch of each image's partner, (N,)."""

    def images(self, images: Tensor, *, views: int = 1) -> Tensor:
        """Mixed images, (N, views * C, …); a view stays as it is where one of the two was not taken, which is all 0."""
        mixed = torch.lerp(images[self.partners], images, self.share)
        if views == 1:
            return mixed
        taken = views_taken(images, views)
        return only_views(taken & taken[self.partners], mixed, images)

    def table(self, table: Tensor | None) -> Tensor | None:
        """Mixed columns, (N, K); a number stays as it is where the partner's is missing, NaN."""
        if table is None:
            return None
        partner = table[self.partners]
        return torch.where(partner.isnan(), table, torch.lerp(partner, table, self.share))

    def loss(self, of: Callable[[Tensor], Tensor], targets: Tensor) -> Tensor:
        """The loss with the images' own targets, and with their partners', mixed as the images are.

        Args:
            of: Gives the loss of the mixed images, a scalar, for targets (N, …).
            targets: Of the images, in their order.
        """
        mixed: Tensor = self.share * of(targets) + (1 - self.share) * of(targets[self.partners])
        return mixed


def draw_mixing(count: int, *, augmentation: Augmentation, generator: torch.Generator) -> Mixing | None:
    """How to mix a batch of `count` images, by a share of a beta distribution; None when the plan asks for none."""
    if augmentation.mixup == 0:
        return None
    partners = torch.randperm(count, generator=generator)
    seed = int(torch.randint(2**31, (), generator=generator))
    share = np.random.default_rng(seed).beta(augmentation.mixup, augmentation.mixup)
    return Mixing(float(max(share, 1 - share)), partners)
