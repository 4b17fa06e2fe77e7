"""An answer that is given at every place of an image, and put together: one place that shows a class is enough.

At each place the network tells the classes from each other and from nothing at all; what speaks for a class there, its
logit against all others, is put together over the places by log-sum-exp, a smooth maximum.

Reference:
    Pinheiro, Collobert, "From image-level to pixel-level labeling with convolutional networks" (2015),
    arXiv:1411.6228 (log-sum-exp over places).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class AnswerOfPlaces(nn.Module):
    """Logits of an image from the features of its places."""

    def __init__(self, features: int, outputs: int) -> None:
        """Make the layers; their weights are drawn from torch's generator.

        Args:
            features: Of each place.
            outputs: Classes of the image; a place may also show none of them, which is the first of its classes.
        """
        super().__init__()
        self.in_features = features
        self.place = nn.Linear(features, 1 + outputs)
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Logits, (N, outputs), of features (N, places, features)."""
        logits = self.place(features).float()
        against = [
            logits[..., number] - torch.cat([logits[..., :number], logits[..., number + 1 :]], dim=-1).logsumexp(dim=-1)
            for number in range(1, logits.shape[-1])
        ]
        together = torch.stack(against, dim=-1).logsumexp(dim=1) - math.log(logits.shape[1])
        return together * self.scale + self.shift
