"""Networks that locate landmarks, in three ways: by heat maps, as numbers, and by walking."""

from __future__ import annotations

from collections.abc import Callable

from hounsfield.datasets.fingerprint import Fingerprint
from hounsfield.plan.families import Family, Sides, encoder_for, encoder_tuning, maps_of
from hounsfield.plan.inputs import Kind, fitted_sides, input_sides
from hounsfield.plan.network_choices import BoxRegressionChoice, HeatMapChoice, Network, PolicyChoice

HEAT_MAP, BOX_REGRESSION, POLICY = "heatmap", "box_regression", "policy"

LOCATORS = (HEAT_MAP, BOX_REGRESSION, POLICY)
"""As `--network` takes them."""

_REASONS = {
    "augmentation.flip_axes": "a mirror image would turn left to right",
    "ensemble.flips": "the same",
    "optimisation.class_weights": "",
}

_WALKING = 1.4
"""An agent walks to the end where an image is answered, and a few steps where it is learned from: 1.36 was measured of
flat images of 256 × 256."""


def locator(way: str, fingerprint: Fingerprint, kind: Kind, backbone: str | None) -> Family:
    """One of the three ways, for the images of some data.

    Args:
        way: One of `LOCATORS`.
        fingerprint: Of whole images with landmarks.
        kind: How they are prepared.
        backbone: timm's name of the pretrained network whose maps are looked at; a residual network from scratch where
            there is none, as for volumes.
    """
    if way == POLICY:
        return Family(
            name=POLICY,
            reason="an agent walks to the landmarks: a deep Q-network on what it sees around it, at several scales",
            network=_policy,
            sides=_sides(None, _WALKED),
            images_wanted=12_000,
            epochs_wanted=60,
            longest=200,
            answering=_WALKING,
            optimisation={
                "batch_size": 4,
                "learning_rate": _EAGER,
                "weight_decay": 1e-4,
                "clip_norm": 5.0,
                "keep": "last",
            },
            augmentation={"rotation_degrees": 10.0, "zoom": 0.1, "shift": 0.1},
            reasons={
                **_REASONS,
                "optimisation.keep": "what its steps are worth to an agent says little of how near it comes",
            },
        )
    network = {HEAT_MAP: _heat_map, BOX_REGRESSION: _box_regression}[way](backbone)
    return Family(
        name=way,
        reason={
            HEAT_MAP: f"a map of heat for each landmark, made of {maps_of(backbone)}",
            BOX_REGRESSION: f"a box for each landmark, its numbers straight from {maps_of(backbone)}",
        }[way],
        network=network,
        sides=_sides(backbone, _LONGEST),
        images_wanted=20_000,
        epochs_wanted=60,
        longest=200,
        optimisation={
            "batch_size": 8,
            "learning_rate": 1e-3,
            "weight_decay": 0.01,
            "clip_norm": 5.0,
            "keep": "last",
            **encoder_tuning(backbone),
        },
        augmentation={"shift": 0.1},
        reasons={**_REASONS, "optimisation.keep": "after a whole cycle the last epoch is as good as the best"},
    )


_LONGEST = 256
"""Pixels along the longer side of what is looked at: landmarks are places of large structures, and heat maps are finer
than their places."""

_WALKED = 128
"""The same of an agent, to whom each pixel is a step."""

_EAGER = 1e-3
"""The learning rate of an agent. On slices of the heart, seven epochs, the middle of the ventricle: within 3.8 pixels
with half of it, and within 3.2."""


def _sides(backbone: str | None, longest: int) -> Callable[[Fingerprint, Kind], list[Sides]]:
    """Candidate shapes, the largest first; none is longer than the images or than landmarks need."""

    def sides(fingerprint: Fingerprint, kind: Kind) -> list[Sides]:
        found = (fitted_sides if backbone else input_sides)(fingerprint, kind)
        fitting = [shape for shape in found if max(shape) <= longest] or found[-1:]
        return list(dict.fromkeys(fitting))

    return sides


def _heat_map(backbone: str | None) -> Callable[[Sides], Network]:
    def network(sides: Sides) -> Network:
        return HeatMapChoice(stride=4 if backbone else 2, encoder=encoder_for(backbone, sides))

    return network


def _box_regression(backbone: str | None) -> Callable[[Sides], Network]:
    return lambda sides: BoxRegressionChoice(encoder=encoder_for(backbone, sides))


def _policy(sides: Sides) -> Network:
    """Far-sighted enough to see most of the image from its middle, at the first scale."""
    window = 25 if len(sides) == 2 else 17
    first = 1
    while first * window < 0.75 * max(sides):
        first *= 2
    scales = tuple(2**power for power in range(first.bit_length() - 1, -1, -1))
    if len(sides) == 2:
        return PolicyChoice(window=window, scales=scales, widths=(16, 32, 32, 64))
    return PolicyChoice(window=window, scales=scales, widths=(16, 32, 64), stem_stride=2)
