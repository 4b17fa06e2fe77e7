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
    ) -> None:
        """Compile the networks.

        Args:
            networks: Each as `read_network` gives it; their answers are averaged.
            precision: Of the arithmetic. It is always said: OpenVINO's own default is bfloat16 where there is any.
            threads: Of the computation.
            flip_axes: Along which mirrored copies are averaged.
            words: What a person is told; the precision when empty.
            cache: Folder in which OpenVINO keeps what it compiled.
        """
        import openvino

        self.words = words or f"OpenVINO {precision}"
        self._flip_axes = tuple(flip_axes)
        choices: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        if cache is not None:
            choices["CACHE_DIR"] = str(cache)
        core = openvino.Core()
        compiled = [core.compile_model(network, "CPU", choices) for network in networks]
        self._members = [partial(_run, network) for network in compiled]

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over networks and mirrored copies, of images (n, channels, *shape)."""
        return mirrored(self._members, arrays, self._flip_axes)


def _run(compiled: Any, arrays: FloatArray) -> FloatArray:
    logits: FloatArray = np.array(compiled(arrays)[0])
    return logits
