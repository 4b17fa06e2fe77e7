"""`Runtime`: what the networks of a bundle are computed with, the fastest that gives torch's answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np
from torch import nn

from hounsfield.arrays import FloatArray
from hounsfield.bundle import Bundle
from hounsfield.errors import ExportError, MissingExtraError
from hounsfield.networks.answering import Answering
from hounsfield.networks.onnx import onnx_bytes, require_onnx
from hounsfield.networks.policy import Policy
from hounsfield.plan.machine import inspect_machine
from hounsfield.reading.network_cache import forget, kept_network, place_of
from hounsfield.reading.runtimes.eager import Torch
from hounsfield.reading.runtimes.int8 import quantised, require_nncf
from hounsfield.reading.runtimes.onnx_runtime import OnnxRuntime, require_onnx_runtime
from hounsfield.reading.runtimes.open_vino import OpenVino, Precision, read_network, require_openvino

RuntimeName = Literal["auto", "torch", "onnxruntime", "openvino", "openvino-int8"]
Made = TypeVar("Made")
Differ = Callable[[FloatArray, FloatArray], tuple[float, str]]
"""By how much the answers (n, outputs) of two runtimes differ, as `F32_TOLERANCE` counts, and in words."""
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)

WORTH_COMPILING = 100
"""Images: for fewer torch is done before another runtime has started."""

F32_TOLERANCE = 1e-4
"""Largest difference between a float32 runtime's probabilities and torch's at which it is used; or the largest share
of voxels with a label that get another one."""

BF16_TOLERANCE = 0.005
"""The same for bfloat16, which keeps 8 bits of each number."""

BF16_EXAMPLES = 16
"""Images on which bfloat16 must agree; with fewer at hand float32 is used."""


class Runtime(Protocol):
    """Computes the networks of a bundle."""

    @property
    def words(self) -> str:
        """What a person is told, for instance "OpenVINO bf16"."""
        ...

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over members and mirrored copies, of images (n, channels, *shape)."""
        ...


@dataclass(frozen=True)
class Choice:
    """A runtime, and what the user should know about how it was chosen."""

    runtime: Runtime
    notes: tuple[str, ...] = ()


class _NotUsed(Exception):
    """A runtime was tried and is not used; the message says why."""


@dataclass(frozen=True, eq=False)
class _Trial:
    """What the runtimes are tried with."""

    bundle: Bundle
    networks: Sequence[nn.Module]
    exact: Torch
    examples: FloatArray
    threads: int
    flip_axes: tuple[int, ...]
    differ: Differ

    @property
    def place(self) -> Path:
        return place_of(self.bundle.identity.sha256, self.bundle.plan.looked_at)

    def onnx(self) -> bytes:
        """The mean of the members as ONNX."""
        shape = (self.bundle.plan.input.shown_channels, *self.bundle.plan.looked_at)
        return kept_network(self.place, lambda: onnx_bytes(Answering(self.networks).eval(), input_shape=shape))

    def agreeing(self, runtime: Runtime, tolerance: float) -> Runtime:
        """The runtime, when it answers the examples as torch does.

        Raises:
            _NotUsed: It does not.
        """
        some = self.examples[:BF16_EXAMPLES]
        difference, words = self.differ(self.exact.logits(some), runtime.logits(some))
        if not difference <= tolerance:
            raise _NotUsed(f"{runtime.words} differs from torch {words}")
        return runtime


def by_probability(probabilities: Callable[[FloatArray], FloatArray]) -> Differ:
    """The largest difference between what two runtimes' answers mean.

    Args:
        probabilities: What answers (n, outputs) mean.
    """

    def differ(one: FloatArray, other: FloatArray) -> tuple[float, str]:
        difference = float(np.abs(probabilities(one) - probabilities(other)).max())
        return difference, f"by {difference:.2g} in probability"

    return differ


def require_runtime(wanted: RuntimeName) -> None:
    """Accept a name of which everything is installed; "auto" and "torch" always are.

    Raises:
        MissingExtraError: Something is not; the message says how to install it.
    """
    needed = {
        "openvino": (require_openvino, require_onnx),
        "onnxruntime": (require_onnx_runtime, require_onnx),
        "openvino-int8": (require_openvino, require_nncf, require_onnx),
    }
    for require in needed.get(wanted, ()):
        require()


def choose_runtime(
    wanted: RuntimeName,
    *,
    bundle: Bundle,
    networks: Sequence[nn.Module],
    examples: FloatArray,
    images: int,
    threads: int,
    flip_axes: tuple[int, ...],
    differ: Differ,
) -> Choice:
    """The runtime that is wanted, or with "auto" the fastest that is here and agrees with torch.

    Any but torch must first give torch's probabilities on the examples: within `F32_TOLERANCE`, or `BF16_TOLERANCE` for
    bfloat16, which is tried where the processor has it. One that does not, or that refuses the network, is not used
    and a note says so. Only int8 is not held against torch: it is wanted by name, and `evaluate` shows what it costs.

    Args:
        wanted: A name, or "auto": OpenVINO, else ONNX Runtime, else torch; torch for few images.
        bundle: The model.
        networks: Its members, in evaluation mode, in the plan's memory order.
        examples: Images as they are going to be read, (n, channels, *shape).
        images: How many are going to be read, as far as known.
        threads: Of the computation.
        flip_axes: Spatial axes that copies are reversed along; the networks' answers to them are averaged.
        differ: By how much two runtimes' answers (n, outputs) differ.

    Raises:
        MissingExtraError: What was asked for by name is not installed.
    """
    exact = Torch(networks, flip_axes=flip_axes, channels_last=bundle.plan.optimisation.channels_last)
    if wanted == "torch" or (wanted == "auto" and images < WORTH_COMPILING):
        return Choice(exact)
    if any(isinstance(network, Policy) for network in networks):
        return Choice(
            exact, () if wanted == "auto" else ("an agent's walk is no one pass through a network; torch reads",)
        )
    trial = _Trial(bundle, networks, exact, examples, threads, flip_axes, differ)
    ways: tuple[RuntimeName, ...] = ("openvino", "onnxruntime") if wanted == "auto" else (wanted,)
    notes: list[str] = []
    for way in ways:
        try:
            require_runtime(way)
            runtime = _WAYS[way](trial)
            return Choice(runtime, _told([*notes, f"{runtime.words} reads instead"] if notes else ()))
        except MissingExtraError as error:
            if wanted != "auto":
                raise
            notes.append(str(error))
        except ExportError as error:
            notes.append(str(error))
            break
        except _NotUsed as error:
            notes.append(str(error))
            forget(trial.place)
    return Choice(exact, _told([*notes, "torch reads instead"]))


def _told(notes: Sequence[str]) -> tuple[str, ...]:
    """The notes as one line, each once; none for none."""
    return ("; ".join(dict.fromkeys(notes)),) if notes else ()


def _openvino(trial: _Trial) -> Runtime:
    onnx = trial.onnx()
    network = _tried(lambda: read_network(onnx))
    exact = trial.bundle.plan.task == "localization"  # a place is wanted to a fraction of a pixel
    if not exact and len(trial.examples) >= BF16_EXAMPLES and inspect_machine().bf16:
        try:
            return trial.agreeing(_compiled(network, trial, "bf16"), BF16_TOLERANCE)
        except _NotUsed:
            pass
    return trial.agreeing(_compiled(network, trial, "f32"), F32_TOLERANCE)


def _compiled(network: Any, trial: _Trial, precision: Precision) -> Runtime:
    cache = trial.place / "openvino" if os.access(trial.place, os.W_OK) else None
    return _tried(
        lambda: OpenVino(network, precision=precision, threads=trial.threads, flip_axes=trial.flip_axes, cache=cache)
    )


def _openvino_int8(trial: _Trial) -> Runtime:
    onnx = trial.onnx()
    return _tried(
        lambda: OpenVino(
            quantised(read_network(onnx), trial.examples),
            precision="f32",
            threads=trial.threads,
            flip_axes=trial.flip_axes,
            words="OpenVINO int8",
        )
    )


def _onnxruntime(trial: _Trial) -> Runtime:
    onnx = trial.onnx()
    runtime = _tried(lambda: OnnxRuntime(onnx, threads=trial.threads, flip_axes=trial.flip_axes))
    return trial.agreeing(runtime, F32_TOLERANCE)


def _tried(make: Callable[[], Made]) -> Made:
    """What `make` gives.

    Raises:
        _NotUsed: It refused the network, with whatever that library raises.
    """
    try:
        return make()
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise _NotUsed(f"a runtime refused this network: {reason[0]}") from error


_WAYS: dict[str, Callable[[_Trial], Runtime]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "openvino-int8": _openvino_int8,
}
