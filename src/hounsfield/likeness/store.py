"""What is remembered, on disk: safetensors, as weights are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hounsfield.likeness.distance import Distances
from hounsfield.likeness.examples import Examples
from hounsfield.likeness.postures import Postures

Kind = Literal["image", "square"]
"""Whole images, or squares cut around boxes."""

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class Remembered:
    """What a bundle remembers of its training images."""

    distances: Mapping[Kind, Distances] = field(default_factory=dict)
    postures: Mapping[Kind, Postures] = field(default_factory=dict)
    examples: Examples | None = None
    """None where they were left out when the bundle was passed on."""


def write_remembered(remembered: Remembered) -> tuple[bytes, bytes | None]:
    """The contents of likeness.safetensors, which shows no image, and of examples.safetensors, which does."""
    from safetensors.numpy import save

    arrays: Arrays = {}
    for kind, own in remembered.distances.items():
        arrays[f"{kind}.points"] = own.points.astype(np.float16)
        arrays[f"{kind}.distances"] = np.array([own.usual, own.farthest])
    for kind, probe in remembered.postures.items():
        arrays |= {f"{kind}.{name}": getattr(probe, name) for name in ("middle", "lines", "limits")}
    examples = None
    if remembered.examples is not None:
        shown = remembered.examples
        features = shown.features.astype(np.float16)
        examples = save({"features": features, "targets": shown.targets, "pictures": shown.pictures})
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()}), examples


def read_remembered(likeness: bytes, examples: bytes | None) -> Remembered:
    """What `write_remembered` wrote."""
    from safetensors.numpy import load

    arrays = load(likeness)
    distances: dict[Kind, Distances] = {}
    postures: dict[Kind, Postures] = {}
    kinds: tuple[Kind, ...] = ("image", "square")
    for kind in kinds:
        if f"{kind}.points" in arrays:
            usual, farthest = arrays[f"{kind}.distances"].tolist()
            distances[kind] = Distances(arrays[f"{kind}.points"].astype(np.float32), usual, farthest)
        if f"{kind}.lines" in arrays:
            postures[kind] = Postures(*(arrays[f"{kind}.{name}"] for name in ("middle", "lines", "limits")))
    shown = None
    if examples is not None:
        own = load(examples)
        shown = Examples(own["features"].astype(np.float32), own["targets"], own["pictures"])
    return Remembered(distances, postures, shown)
