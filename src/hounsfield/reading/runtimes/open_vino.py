"""Networks computed by OpenVINO on the CPU, in float32, bfloat16 or int8."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.errors import MissingExtraError
from hounsfield.reading.runtimes.mirrored import mirrored

Precision = Literal["f32", "bf16"]

_PIXELS = 80_000
"""Of images computed together by one thread: what is computed of more does not stay in its cache."""


def require_openvino() -> None:
    """Accept a machine that has OpenVINO.

    Raises:
        MissingExtraError: It is not installed.
    """
    if importlib.util.find_spec("openvino") is None:
        raise MissingExtraError("OpenVINO is not installed: pip install 'hounsfield[fast]'")


def read_network(onnx: bytes) -> Any:
    """An ONNX file's content as OpenVINO's own model."""
    import openvino

    return openvino.Core().read_model(onnx)


class OpenVino:
    """Networks compiled for this processor."""

    def __init__(
        self,
        networks: Sequence[Any],
        *,
        precision: Precision,
        threads: int,
        flip_axes: Sequence[int] = (),
        words: str = "",
        cache: Path | None = None,
        several: bool = False,
    ) -> None:
        """Compile the networks.

        Args:
            networks: Each as `read_network` gives it; their answers are averaged.
            precision: Of the arithmetic. It is always said: OpenVINO's own default is bfloat16 where there is any.
            threads: Of the computation.
            flip_axes: Along which mirrored copies are averaged.
            words: What a person is told; the precision when empty.
            cache: Folder in which OpenVINO keeps what it compiled.
            several: Whether several images are shown together: each thread then computes its own, instead of a part of
                every layer. Wrong for one large image at a time.
        """
        import openvino

        self.words = words or f"OpenVINO {precision}"
        self._flip_axes = tuple(flip_axes)
        choices: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads if several else 1,
            "ENABLE_CPU_PINNING": False,
        }
        if cache is not None:
            choices["CACHE_DIR"] = str(cache)
        core = openvino.Core()
        compiled = [core.compile_model(network, "CPU", choices) for network in networks]
        self._members = [_SideBySide(network, threads) if several else partial(_run, network) for network in compiled]

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over networks and mirrored copies, of images (n, channels, *shape)."""
        return mirrored(self._members, arrays, self._flip_axes)


class _SideBySide:
    """A compiled network to which each thread shows some of the images."""

    def __init__(self, compiled: Any, threads: int) -> None:
        import openvino

        self._queue = openvino.AsyncInferQueue(compiled, threads)
        self._queue.set_callback(lambda request, answer: answer.append(np.array(request.get_output_tensor(0).data)))
        pixels = int(np.prod([side.get_length() for side in list(compiled.input(0).get_partial_shape())[2:]]))
        self._few = max(1, _PIXELS // pixels)
        self._threads = threads

    def __call__(self, arrays: FloatArray) -> FloatArray:
        few = min(self._few, -(-len(arrays) // self._threads))
        answers: list[list[FloatArray]] = []
        for start in range(0, len(arrays), few):
            answers.append([])
            self._queue.start_async(arrays[start : start + few], userdata=answers[-1])
        self._queue.wait_all()
        logits: FloatArray = np.concatenate([answer for (answer,) in answers])
        return logits


def _run(compiled: Any, arrays: FloatArray) -> FloatArray:
    logits: FloatArray = np.array(compiled(arrays)[0])
    return logits
