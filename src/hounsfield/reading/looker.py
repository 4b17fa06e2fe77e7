"""`Looker`: what a network pretrained on photographs sees in pictures, by a compiled runtime where there are many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hounsfield.arrays import FloatArray
from hounsfield.datasets.audit.features import NETWORK, look
from hounsfield.datasets.audit.glance import Small
from hounsfield.likeness.look import seen_in
from hounsfield.reading.network_cache import place_of
from hounsfield.reading.runtime import Ensemble, Runtime, RuntimeName, choose_runtime

WORTH_COMPILING = 1000
"""Pictures: for fewer torch has seen all before the network is written for another runtime."""


class Looker:
    """As `likeness.look.seen_in`.

    Args:
        wanted: The runtime of the model that is read with; that of the pictures is chosen as it is.
        images: How many are going to be looked at, as far as known.
        threads: Of the computation.
    """

    def __init__(self, wanted: RuntimeName, *, images: int, threads: int) -> None:
        """Nothing is started before the first pictures."""
        self._wanted: RuntimeName = "torch" if wanted == "torch" or images < WORTH_COMPILING else "auto"
        self._images = images
        self._threads = threads
        self._runtimes: dict[int, Runtime] = {}

    def __call__(self, pictures: Sequence[Small]) -> FloatArray:
        """(n, features) float32 of unit length, of pictures (n, planes, side, side).

        Raises:
            WeightsError: The network's weights are not at hand.
        """
        if self._wanted == "torch":
            return seen_in(pictures)
        arrays = np.stack(pictures).astype(np.float32)
        planes = arrays.shape[1]
        if planes not in self._runtimes:
            self._runtimes[planes] = self._chosen(arrays)
        return self._runtimes[planes].logits(arrays)

    def _chosen(self, examples: FloatArray) -> Runtime:
        shape = examples.shape[1:]
        ensemble = Ensemble(
            [look(torch.float32)], shape=shape, place=place_of(NETWORK, shape), channels_last=True, exact=True
        )
        return choose_runtime(
            self._wanted,
            ensemble,
            examples=examples,
            images=self._images,
            threads=self._threads,
            differ=lambda one, other: (float(np.abs(one - other).max()), "in what it sees"),
        ).runtime
