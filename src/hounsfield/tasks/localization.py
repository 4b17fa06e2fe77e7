"""Localization: where named landmarks of an image lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.evaluation.evidence import Located
from hounsfield.findings.region import Point
from hounsfield.networks.box_regression import laplace_loss
from hounsfield.networks.landmarks import numbers_for, read_answer

NEAR = 0.05
"""A landmark is near its truth within this share of the image's longest side; only the learning curve knows of it."""


def located(
    places: FloatArray, landmarks: Sequence[str], shape: Sequence[int], onto: FloatArray, spacing: Sequence[float]
) -> tuple[Located, ...]:
    """Where the landmarks of one image lie, in its pixels as stored, each with how far off that may be as its radius,
    before that is calibrated: the root mean square of its half sides.

    Args:
        places: (landmarks, 2, dims), as `Localization.decode` gives.
        landmarks: Their names.
        shape: Of the network's input.
        onto: (4, 4), from array index (d, h, w) of that input to that of the image as stored.
        spacing: Of the image as stored, along (d, h, w) in mm; empty where it does not know it.
    """
    flat = len(shape) == 2
    sides = np.array([1, *shape] if flat else shape, dtype=np.float64)
    apart = np.asarray(spacing if len(spacing) else (1.0, 1.0, 1.0))
    steps = np.linalg.norm(onto[:3, :3] * apart[:, None], axis=0)  # lengths of the input's pixels
    found = []
    for name, (middle, half) in zip(landmarks, places.astype(np.float64), strict=True):
        index = (np.r_[0.5, middle] if flat else middle) * sides - 0.5
        z, y, x = (onto[:3, :3] @ index + onto[:3, 3] + 0.5).tolist()
        reach = half * (sides * steps)[1 if flat else 0 :]
        found.append(Located(Point(x, y, z, name), float(np.sqrt(np.mean(reach**2)))))
    return tuple(found)


@dataclass(frozen=True)
class Localization:
    """A box for each landmark: its middle is the place, its half sides how far off that may be."""

    landmarks: tuple[str, ...]
    shape: tuple[int, ...]
    """Of the network's input."""

    @property
    def outputs(self) -> int:
        """Two numbers a landmark and axis."""
        return numbers_for(len(self.landmarks), len(self.shape))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Laplace loss of answers (N, outputs) and places (N, landmarks, dims) in shares of the sides, NaN where a
        landmark is not there; a scalar in nats."""
        return laplace_loss(logits.float(), targets)

    def decode(self, logits: FloatArray) -> FloatArray:
        """(N, landmarks, 2, dims) of answers (N, outputs): middles and half sides, in shares of the sides."""
        middles, halves = read_answer(torch.from_numpy(np.asarray(logits, dtype=np.float32)), len(self.shape))
        return torch.stack([middles, halves], dim=2).numpy()

    def validation_score(self, logits: FloatArray, targets: VoxelArray) -> float:
        """Share of the landmarks that are near, of places (N, landmarks, dims) as `loss` takes them."""
        apart = (self.decode(logits)[:, :, 0] - targets) * np.array(self.shape)
        errors = np.linalg.norm(apart, axis=2)
        known = errors[~np.isnan(errors)]
        return float(np.mean(known <= NEAR * max(self.shape))) if len(known) else float("nan")
