"""Networks that outline: windows, and how often they are halved, from the size and the spacing of the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Literal

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.families import Family, Sides, encoder_tuning, maps_of
from hounsfield.plan.inputs import Kind, flat_shape
from hounsfield.plan.network_choices import PretrainedChoice, ResidualChoice, UNetChoice

UNET = "unet"

OUTLINERS = (UNET,)
"""As `--network` takes them."""

_WHOLE = 2**18
"""Voxels, of volumes mostly no larger than which windows show all: where something lies says much of what it is."""

_VOLUME_SIDES = (160, 128, 112, 96, 80, 64, 48)
"""Longer side of windows of larger volumes."""

_FLAT_SIDES = (512, 448, 384, 320, 256, 224, 192, 160, 128, 96, 64)
"""Longer side of flat images."""

_SMALLEST = 4
"""Places along a side that are left of a window at least."""

_MOST_HALVINGS = 5

_EVEN = 2.0
"""Spacings that differ by less than this factor are shrunk together."""

_FOR_FEW: Literal["batch", "instance"] = "instance"
"""Batches of windows are small."""


def outliner(fingerprint: Fingerprint, backbone: str | None) -> Family:
    """U-Net for the images of some data.

    Args:
        fingerprint: Of whole images with masks.
        backbone: timm's name of the pretrained network that is the way down; a residual network from scratch where
            there is none, as for volumes.
    """
    flat = fingerprint.planar
    return Family(
        name=UNET,
        reason=f"a U-Net on {maps_of(backbone)}",
        network=_network(fingerprint, backbone),
        sides=_flat_sides if flat else _windows,
        images_wanted=20_000 if flat else 6_000,
        epochs_wanted=80 if flat else 100,
        longest=300 if flat else 1000,
        most_repeats=1,
        optimisation={
            "batch_size": 8 if flat else 2,
            "learning_rate": 1e-3,
            "weight_decay": 0.01,
            "clip_norm": 5.0,
            "keep": "last",
            **encoder_tuning(backbone),
        },
        augmentation={"zoom": 0.2, "shift": 0.1, "noise": 0.02},
        reasons={
            "optimisation.class_weights": "",
            "optimisation.keep": "after a whole cycle the last epoch is as good as the best",
            "input.windows": "" if flat else "volumes keep their size, and are looked at window by window",
        },
    )


def _network(fingerprint: Fingerprint, backbone: str | None) -> Callable[[Sides], UNetChoice]:
    def network(sides: Sides) -> UNetChoice:
        if backbone:
            return UNetChoice(encoder=PretrainedChoice(backbone=backbone, drop_path=0.1))
        spacing = fingerprint.spacing_mm[3 - len(sides) :] if fingerprint.spacing_mm else (1.0,) * len(sides)
        strides = strides_for(sides, spacing)
        first = 32 if len(sides) == 2 else 16
        widths = tuple(min(first * 2**stage, 256) for stage in range(len(strides) + 1))
        return UNetChoice(
            encoder=ResidualChoice(widths=widths, blocks=(1,) * len(widths), strides=strides, normalisation=_FOR_FEW),
            normalisation=_FOR_FEW,
        )

    return network


def strides_for(sides: Sequence[int], spacing: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """By how much each stage but the first shrinks its maps: axes whose voxels lie far apart wait for the others.

    Args:
        sides: Of a window.
        spacing: Between voxels along each axis, in any unit.
    """
    left, apart = list(sides), list(spacing)
    strides = []
    for _ in range(_MOST_HALVINGS):
        can = [side % 2 == 0 and side // 2 >= _SMALLEST for side in left]
        if not any(can):
            break
        near = min(own for own, possible in zip(apart, can, strict=True) if possible)
        stride = tuple(2 if possible and own < _EVEN * near else 1 for own, possible in zip(apart, can, strict=True))
        left = [side // step for side, step in zip(left, stride, strict=True)]
        apart = [own * step for own, step in zip(apart, stride, strict=True)]
        strides.append(stride)
    return tuple(strides)


def _windows(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate windows, the largest first: all of most small volumes, parts of large ones."""
    median = fingerprint.shape_median
    whole = tuple(_rounded(side) for side in median)
    if prod(whole) <= _WHOLE:
        return [whole]
    spacing = fingerprint.spacing_mm or (1.0, 1.0, 1.0)
    found = []
    for side in _VOLUME_SIDES:
        fine = side * min(spacing)
        found.append(
            tuple(
                min(_rounded(length), max(2 * _SMALLEST, _rounded(fine / own)))
                for length, own in zip(median, spacing, strict=True)
            )
        )
    return list(dict.fromkeys(found))


def _flat_sides(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
    """Candidate shapes of flat images, the largest first; none is larger than most of them are."""
    height, width = flat_shape(fingerprint, kind)
    longest = max(height, width)
    fitting = [side for side in _FLAT_SIDES if side <= longest] or [longest]
    return list(
        dict.fromkeys(
            tuple(max(32, round(side * own / longest / 32) * 32) for own in (height, width)) for side in fitting
        )
    )


def _rounded(length: float) -> int:
    """Up to a multiple of 8 where that is not much more, so that it can be halved three times."""
    return -(-int(length) // 8) * 8 if length > 8 else max(4, int(length))
