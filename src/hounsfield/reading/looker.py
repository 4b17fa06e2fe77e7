"""`Looker`: what a network pretrained on photographs sees in pictures, by a compiled runtime where there are many."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from threading import Lock

import numpy as np
import torch

from hounsfield.arrays import FloatArray
from hounsfield.datasets.audit.features import features_network
from hounsfield.datasets.audit.glance import Small
from hounsfield.likeness.look import SIDE, seen_in
from hounsfield.plan.machine import inspect_machine
from hounsfield.progress import say
from hounsfield.reading.network_cache import place_of
from hounsfield.reading.runtime import Ensemble, Runtime, RuntimeName, choose_runtime

WORTH_COMPILING = 1000
"""Pictures: for fewer torch has seen all before the network is written for another runtime."""


class Looker:
    """As `likeness.look.seen_in`, for any number of threads.

    Args:
        wanted: The runtime of the model that is read with. Never in 8 bits, and with torch where the processor has
            bfloat16: torch then looks in it, and so are the limits of what is unlike made.
        pictures: How many are going to be looked at, as far as known.
        planes: Of those of which there are many; others are left to torch.
        threads: Of the computation.
    """

    def __init__(self, wanted: RuntimeName, *, pictures: int, planes: int, threads: int) -> None:
        """Nothing is started before the first pictures."""
        slow = wanted == "torch" or pictures < WORTH_COMPILING or inspect_machine().bf16
        self._wanted: RuntimeName = "torch" if slow else "auto" if wanted == "openvino-int8" else wanted
        self._pictures = pictures
        self._shape = (planes, SIDE, SIDE)
        self._threads = threads
        self._lock = Lock()
        self._runtime: Runtime | None = None

    def __call__(self, pictures: Sequence[Small]) -> FloatArray:
        """(n, features) float32 of unit length, of pictures (n, planes, side, side).

        Raises:
            WeightsError: The network's weights are not at hand.
        """
        if self._wanted == "torch" or pictures[0].shape != self._shape:
            return seen_in(pictures)
        arrays = np.stack(pictures).astype(np.float32)
        with self._lock:
            self._runtime = self._runtime or self._chosen(arrays)
            return self._runtime.logits(arrays)

    def _chosen(self, examples: FloatArray) -> Runtime:
        network = features_network(torch.float32)
        digest = hashlib.sha256()
        for weight in network.state_dict().values():
            digest.update(weight.contiguous().numpy().tobytes())
        ensemble = Ensemble(
            [network],
            shape=self._shape,
            place=place_of(digest.hexdigest(), self._shape),
            channels_last=True,
            exact=True,
            several=True,
        )
        choice = choose_runtime(
            self._wanted,
            ensemble,
            examples=examples,
            images=self._pictures,
            threads=self._threads,
            differ=lambda one, other: (float(np.abs(one - other).max()), "in what it sees of a picture"),
        )
        for note in choice.notes:
            say(f"note: whether images are like those of the training: {note}")
        return choice.runtime
