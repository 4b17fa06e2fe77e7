"""`Runtime`: what networks are computed with, the fastest that gives torch's answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np
from torch import nn

from hounsfield.arrays import FloatArray
from hounsfield.errors import ExportError, HounsfieldError, MissingExtraError
from hounsfield.networks.onnx import onnx_bytes, require_onnx, with_weights_of
from hounsfield.networks.policy import Policy
from hounsfield.plan.machine import inspect_machine
from hounsfield.reading.network_cache import forget, kept_network
from hounsfield.reading.runtimes.eager import Torch
from hounsfield.reading.runtimes.int8 import quantised, require_nncf
from hounsfield.reading.runtimes.onnx_runtime import OnnxRuntime, require_onnx_runtime
from hounsfield.reading.runtimes.open_vino import OpenVino, Precision, read_network, require_openvino

RuntimeName = Literal["auto", "torch", "onnxruntime", "openvino", "openvino-int8"]
Made = TypeVar("Made")
Differ = Callable[[FloatArray, FloatArray], tuple[float, str]]
"""By how much the answers (n, outputs) of two runtimes differ, as `F32_TOLERANCE` counts, and in words."""
RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)

WORTH_COMPILING = 300
"""Images: for fewer torch is done before another runtime has started."""

F32_TOLERANCE = 1e-4
"""Largest difference between a float32 runtime's probabilities and torch's at which it is used; or the largest share
of voxels with a label that get another one."""

BF16_TOLERANCE = 0.005
"""The same for bfloat16, which keeps 8 bits of each number."""

BF16_EXAMPLES = 16
"""Images on which bfloat16 must agree where each has one answer."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks of one structure whose answers are averaged."""

    networks: Sequence[nn.Module]
    """In evaluation mode, in the memory order that is said."""
    shape: tuple[int, ...]
    """(channels, *shape) of one image."""
    place: Path
    """Where they are kept as ONNX, see `network_cache.place_of`."""
    flip_axes: tuple[int, ...] = ()
    """Spatial axes that copies are reversed along; the networks' answers to them are averaged."""
    channels_last: bool = False
    exact: bool = False
    """Whether they are never computed in bfloat16."""
    several: bool = False
    """Whether they are mostly shown several images together."""
    enough: int = BF16_EXAMPLES
    """Images on which bfloat16 must agree; with fewer at hand float32 is used."""

    def onnx(self) -> list[bytes]:
        """Each network as ONNX: the first is written, and where its weights stand in the file, see `with_weights_of`,
        those of the others are put in their place; else each is written.

        Raises:
            ExportError: torch cannot write them.
        """
        first, *others = self.networks
        written = kept_network(self.place, lambda: onnx_bytes(first, input_shape=self.shape))
        return [written, *(self._other(written, network, number) for number, network in enumerate(others, start=1))]

    def _other(self, written: bytes, network: nn.Module, number: int) -> bytes:
        return with_weights_of(written, self.networks[0], network) or kept_network(
            self.place, lambda: onnx_bytes(network, input_shape=self.shape), number=number
        )


class Runtime(Protocol):
    """Computes an ensemble."""

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

    ensemble: Ensemble
    exact: Torch
    examples: FloatArray
    threads: int
    differ: Differ

    def agreeing(self, runtime: Runtime, tolerance: float) -> Runtime:
        """The runtime, when it answers the examples as torch does.

        Raises:
            _NotUsed: It does not.
        """
        some = self.examples[:BF16_EXAMPLES]
        difference, words = self.differ(self.exact.logits(some), _tried(lambda: runtime.logits(some)))
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
    ensemble: Ensemble,
    *,
    examples: FloatArray,
    images: int,
    threads: int,
    differ: Differ,
) -> Choice:
    """The runtime that is wanted, or with "auto" the fastest that is here and agrees with torch.

    Any but torch must first give torch's probabilities on the examples: within `F32_TOLERANCE`, or `BF16_TOLERANCE` for
    bfloat16, which is tried where the processor has it. One that does not, or that refuses the network, is not used
    and a note says so. In 8 bits it is wanted by name, and `evaluate` shows what it costs: only the float32 network of
    which it is made is held against torch.

    Args:
        wanted: A name, or "auto": OpenVINO, else ONNX Runtime, else torch; torch for few images.
        ensemble: What is computed.
        examples: Images as they are going to be read, (n, channels, *shape).
        images: How many are going to be read, as far as known.
        threads: Of the computation.
        differ: By how much two runtimes' answers (n, outputs) differ.

    Raises:
        MissingExtraError: What was asked for by name is not installed.
    """
    exact = Torch(ensemble.networks, flip_axes=ensemble.flip_axes, channels_last=ensemble.channels_last)
    if wanted == "torch" or (wanted == "auto" and images < WORTH_COMPILING):
        return Choice(exact)
    if any(isinstance(network, Policy) for network in ensemble.networks):
        return Choice(
            exact, () if wanted == "auto" else ("an agent's walk is no one pass through a network; torch reads",)
        )
    trial = _Trial(ensemble, exact, examples, threads, differ)
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
            forget(ensemble.place)
    return Choice(exact, _told([*notes, "torch reads instead"]))


def _told(notes: Sequence[str]) -> tuple[str, ...]:
    """The notes as one line, each once; none for none."""
    return ("; ".join(dict.fromkeys(notes)),) if notes else ()


def _openvino(trial: _Trial) -> Runtime:
    networks = _tried(lambda: [read_network(onnx) for onnx in trial.ensemble.onnx()])
    if not trial.ensemble.exact and len(trial.examples) >= trial.ensemble.enough and inspect_machine().bf16:
        try:
            return trial.agreeing(_compiled(networks, trial, "bf16"), BF16_TOLERANCE)
        except _NotUsed:
            pass
    return trial.agreeing(_compiled(networks, trial, "f32"), F32_TOLERANCE)


def _compiled(networks: Sequence[Any], trial: _Trial, precision: Precision) -> Runtime:
    place, flip_axes = trial.ensemble.place, trial.ensemble.flip_axes
    cache = place / "openvino" if os.access(place, os.W_OK) else None
    return _tried(
        lambda: OpenVino(
            networks,
            precision=precision,
            threads=trial.threads,
            flip_axes=flip_axes,
            cache=cache,
            several=trial.ensemble.several,
        )
    )


def _openvino_int8(trial: _Trial) -> Runtime:
    networks = _tried(lambda: [read_network(onnx) for onnx in trial.ensemble.onnx()])
    trial.agreeing(_compiled(networks, trial, "f32"), F32_TOLERANCE)  # that of which 8 bits are made
    return _tried(
        lambda: OpenVino(
            [quantised(network, trial.examples) for network in networks],
            precision="f32",
            threads=trial.threads,
            flip_axes=trial.ensemble.flip_axes,
            words="OpenVINO int8",
            several=trial.ensemble.several,
        )
    )


def _onnxruntime(trial: _Trial) -> Runtime:
    runtime = _tried(
        lambda: OnnxRuntime(trial.ensemble.onnx(), threads=trial.threads, flip_axes=trial.ensemble.flip_axes)
    )
    return trial.agreeing(runtime, F32_TOLERANCE)


def _tried(make: Callable[[], Made]) -> Made:
    """What `make` gives.

    Raises:
        _NotUsed: It refused the network, with whatever that library raises.
        HounsfieldError: The network cannot be written, or something is not installed.
    """
    try:
        return make()
    except HounsfieldError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise _NotUsed(f"a runtime refused this network: {reason[0]}") from error


_WAYS: dict[str, Callable[[_Trial], Runtime]] = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "openvino-int8": _openvino_int8,
}
