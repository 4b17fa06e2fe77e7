"""Networks computed by ONNX Runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial
from typing import Any

from hounsfield.arrays import FloatArray
from hounsfield.errors import MissingExtraError
from hounsfield.reading.runtimes.mirrored import mirrored

_ERRORS_ONLY = 3


def require_onnx_runtime() -> None:
    """Accept a machine that has ONNX Runtime.

    Raises:
        MissingExtraError: It is not installed.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise MissingExtraError("ONNX Runtime is not installed: pip install 'hounsfield[fast,onnxruntime]'")


class OnnxRuntime:
    """Networks as ONNX, from images (n, channels, *shape) to logits."""

    words = "ONNX Runtime f32"

    def __init__(self, networks: Sequence[bytes], *, threads: int, flip_axes: Sequence[int] = ()) -> None:
        """Load the networks.

        Args:
            networks: The contents of ONNX files; their answers are averaged.
            threads: Of the computation.
            flip_axes: Along which mirrored copies are averaged.

        Raises:
            MissingExtraError: ONNX Runtime is not installed.
        """
        require_onnx_runtime()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Threads that wait by spinning would take the processor from those that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        sessions = [
            onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"]) for onnx in networks
        ]
        self._members = [partial(_run, session) for session in sessions]
        self._flip_axes = tuple(flip_axes)

    def logits(self, arrays: FloatArray) -> FloatArray:
        """Logits, (n, outputs), averaged over networks and mirrored copies, of images (n, channels, *shape)."""
        return mirrored(self._members, arrays, self._flip_axes)


def _run(session: Any, arrays: FloatArray) -> FloatArray:
    (found,) = session.run(None, {session.get_inputs()[0].name: arrays})
    logits: FloatArray = found
    return logits
