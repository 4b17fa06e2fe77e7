"""Bundles with weights chosen by hand, and the slow, obvious way from a bundle's weights to a probability."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle, OperatingPoint, TrainingRecord, write_bundle
from hounsfield.datasets.split import Split
from hounsfield.networks.convnet import ConvNet
from hounsfield.plan import Augmentation, ConvNetChoice, Ensemble, Input, Optimisation, Plan

MakeBundle = Callable[..., Bundle]
SlowProbability = Callable[[Bundle, FloatArray], FloatArray]


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """A bundle whose network is one layer that passes the image on, so that its feature map is the image itself.

    The last class's logit is the image's mean, the others' are 0. Keywords change the plan's input section;
    `classes`, `input_sides`, `film_side`, `flip_axes` and `threshold` are what they say.
    """

    def make(
        *,
        classes: tuple[str, ...] = ("plain", "bright"),
        input_sides: tuple[float, float] | None = None,
        film_side: int | None = None,
        flip_axes: tuple[int, ...] = (),
        threshold: float = 0.6,
        **changed: Any,
    ) -> Bundle:
        plan = Plan(
            dataset="by hand",
            classes=classes,
            input=Input(**{"shape": (32, 32), **changed}),
            network=ConvNetChoice(widths=(1,), pool_after=()),
            augmentation=Augmentation(flip_axes=flip_axes),
            optimisation=Optimisation(threads=1),
            ensemble=Ensemble(flips=bool(flip_axes)),
        )
        record = TrainingRecord(
            "by hand", 2, 2, 1, 0.0, "", "", "finished", input_sides=input_sides, film_side=film_side
        )
        return write_bundle(
            tmp_path / "bundle",
            plan=plan,
            members=[passing_on(plan)],
            operating=OperatingPoint(threshold, "by hand"),
            training=record,
            split=Split({}, {}, 0, (1.0, 0.0, 0.0), "none", "by hand"),
        )

    return make


def passing_on(plan: Plan) -> Mapping[str, Tensor]:
    """Weights of a one-layer network that gives its input as its feature map."""
    network = ConvNet(
        dims=plan.dims, channels=plan.input.channels, outputs=len(plan.classes), widths=(1,), pool_after=()
    )
    weights = {key: torch.zeros_like(value) for key, value in network.state_dict().items()}
    weights["features.0.weight"][(slice(None), slice(None), *([1] * plan.dims))] = 1
    weights["features.1.weight"] += 1
    weights["features.1.running_var"] += 1 - 1e-5  # to which the layer adds 1e-5
    weights["answer.weight"][-1] = 1
    return weights


@pytest.fixture
def slow_probability() -> SlowProbability:
    """Probabilities of one network input (channels, *canvas), written out from the weights on disk."""
    return _slow_probability


def _slow_probability(bundle: Bundle, array: FloatArray) -> FloatArray:
    plan, operating = bundle.plan, bundle.operating
    weights = load_file(bundle.folder / "weights.safetensors")
    image = torch.from_numpy(array)
    for axis, side in enumerate(plan.input.shape, start=1):
        image = image.narrow(axis, (image.shape[axis] - side) // 2, side)
    logits = []
    for member in range(bundle.training.members):
        own = {key.split(".", 1)[1]: value for key, value in weights.items() if key.startswith(f"{member}.")}
        axes = plan.augmentation.flip_axes if plan.ensemble.flips else ()
        for chosen in itertools.product((False, True), repeat=len(axes)):
            turned = [axis + 1 for axis, turn in zip(axes, chosen, strict=True) if turn]
            logits.append(_slow_logits(plan, own, image.flip(turned) if turned else image))
    mean = np.mean(logits, axis=0) * operating.scale + np.array(operating.offset or 0.0)
    exponents = np.exp(mean - mean.max())
    return np.asarray(exponents / exponents.sum())


def _slow_logits(plan: Plan, weights: Mapping[str, Tensor], image: Tensor) -> FloatArray:
    """Convolution, maximum, normalisation, rectifier, layer by layer; then the mean of each map, and the answer."""
    convolution = {2: torch.conv2d, 3: torch.conv3d}[plan.dims]
    maps, place = image[None].double(), 0
    for layer in range(1, len(plan.network.widths) + 1):
        maps = convolution(maps, weights[f"features.{place}.weight"].double(), padding=1)
        place += 1
        if layer in plan.network.pool_after:
            pool = {2: torch.max_pool2d, 3: torch.max_pool3d}[plan.dims]
            maps = pool(maps, 2)
            place += 1
        facts = {
            name: weights[f"features.{place}.{name}"].double()
            for name in ("weight", "bias", "running_mean", "running_var")
        }
        shape = (1, -1, *([1] * plan.dims))
        spread = torch.sqrt(facts["running_var"] + 1e-5)
        maps = (maps - facts["running_mean"].reshape(shape)) / spread.reshape(shape)
        maps = torch.clamp(maps * facts["weight"].reshape(shape) + facts["bias"].reshape(shape), min=0)
        place += 2
    means = maps.flatten(2).mean(2)[0]
    logits: FloatArray = (weights["answer.weight"].double() @ means + weights["answer.bias"].double()).numpy()
    return logits
