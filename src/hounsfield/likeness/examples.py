"""`Examples`: training images as the model itself sees them, so that an answer can show which ones it is like.

Reference:
    Caruana et al., "Case-based explanation of non-case-based learning methods" (1999), PMC2232607.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.findings import Neighbour

if TYPE_CHECKING:
    from hounsfield.datasets.audit.glance import Small

SHOWN = 6


@dataclass(frozen=True, eq=False)
class Examples:
    """Training images, their classes, and what the first network of the bundle sees in them."""

    features: FloatArray
    """(n, features) float32, before the network's answer."""
    targets: IntArray
    """(n,), class indices."""
    pictures: Small
    """(n, 64, 64) uint8."""

    def nearest(self, features: FloatArray, classes: tuple[str, ...], *, count: int = SHOWN) -> tuple[Neighbour, ...]:
        """The images that one is most like, the nearest first.

        Args:
            features: (features,), what the same network sees in it.
            classes: Names of the classes.
            count: As many at most.
        """
        middle = self.features.mean(axis=0)
        alike = _unit(self.features - middle) @ _unit((features - middle)[None])[0]
        order = np.argsort(-alike, kind="stable")[:count]
        return tuple(Neighbour(int(n), classes[int(self.targets[n])], float(alike[n])) for n in order)


def _unit(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: FloatArray = rows / np.maximum(length, 1e-12)
    return unit
