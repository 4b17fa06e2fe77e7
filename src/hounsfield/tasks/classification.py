"""Classification: one class for each case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.evaluation.classification import auc_roc


@dataclass(frozen=True)
class Classification:
    """One class for each case, learned by cross-entropy and decoded by softmax."""

    classes: tuple[str, ...]
    class_weights: tuple[float, ...] = ()
    """Weight of each class in the loss; empty for equal ones."""
    label_smoothing: float = 0.0

    @property
    def outputs(self) -> int:
        """One logit a class."""
        return len(self.classes)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Weighted cross-entropy of logits (N, classes) and class indices (N,); a scalar in nats."""
        weight = torch.tensor(self.class_weights, device=logits.device) if self.class_weights else None
        return torch.nn.functional.cross_entropy(
            logits.float(), targets, weight=weight, label_smoothing=self.label_smoothing
        )

    def decode(self, logits: FloatArray) -> FloatArray:
        """Softmax of logits (N, classes)."""
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: FloatArray = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities

    def validation_score(self, logits: FloatArray, targets: VoxelArray) -> float:
        """Area under the ROC curve, one class against the rest and averaged over the classes that can be measured."""
        probabilities = self.decode(logits)
        columns = [1] if len(self.classes) == 2 else range(len(self.classes))
        areas = [
            auc_roc(targets == column, probabilities[:, column])
            for column in columns
            if 0 < np.count_nonzero(targets == column) < len(targets)
        ]
        return float(np.mean(areas)) if areas else float("nan")
