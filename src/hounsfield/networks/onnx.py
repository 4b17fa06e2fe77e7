"""A torch module as ONNX: one file, any number of images at a time."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from hounsfield.errors import ExportError, MissingExtraError

OPSET = 18
"""Version of ONNX's operators: the one torch's exporter writes without translating."""

INPUT, OUTPUT = "images", "answers"
"""Names of the input, (n, channels, *shape), and the output, (n, outputs); n is free."""

_NEEDED = ("onnx", "onnxscript")


def require_onnx() -> None:
    """Accept a machine that can write ONNX.

    Raises:
        MissingExtraError: A package for it is not installed.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(f"ONNX needs the package {' and '.join(missing)}: pip install 'hounsfield[fast]'")


def onnx_bytes(network: nn.Module, *, input_shape: Sequence[int], output: str = OUTPUT) -> bytes:
    """The network as an ONNX file's content.

    Args:
        network: In evaluation mode, on the CPU; from images (N, C, …) float32 to answers (N, outputs).
        input_shape: (channels, *shape) of one image.
        output: Name of the output.

    Raises:
        MissingExtraError: ONNX's packages are not installed.
        ExportError: The network does something that torch cannot write as ONNX.
    """
    require_onnx()
    images = torch.zeros(2, *input_shape)
    try:
        with _quietly(), torch.no_grad():
            program = torch.onnx.export(
                network,
                (images,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
                input_names=[INPUT],
                output_names=[output],
                opset_version=OPSET,
                verbose=False,
            )
            content: bytes = program.model_proto.SerializeToString()  # type: ignore[union-attr]
    except Exception as error:  # whatever torch's tracer or a translation of an operator raises
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ExportError(f"torch cannot write this network as ONNX: {reason[0]}") from error
    return content


def with_weights_of(content: bytes, written: nn.Module, other: nn.Module) -> bytes | None:
    """The ONNX file of one network with the weights of another, which is quicker than writing it anew.

    Args:
        content: As `onnx_bytes` gives it of `written`.
        written: The network whose weights stand in the file.
        other: One of the same structure.

    Returns:
        None where a weight that differs between the two does not stand in the file once, as it is or, a matrix,
        turned: it was computed with on writing.
    """
    import onnx

    model = onnx.load_from_string(content)
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    old, new = written.state_dict(), other.state_dict()
    if list(old) != list(new):
        return None
    unnamed = {place: onnx.numpy_helper.to_array(tensor) for place, tensor in held.items() if place not in old}
    names = [name for name in old if not name.endswith("num_batches_tracked")]  # of use in training alone
    elsewhere = [old[name] for name in names if name not in held]  # computed with, or the same as another and dropped
    for name in names:
        before, weight = old[name], new[name]
        if before.shape != weight.shape or before.dtype != weight.dtype:
            return None
        if torch.equal(before, weight):
            continue
        if sum(other.shape == before.shape and torch.equal(other, before) for other in elsewhere) > (name not in held):
            return None
        turned = [at for at, array in unnamed.items() if before.dim() == 2 and np.array_equal(array, before.T.numpy())]
        places = [name, *turned] if name in held else turned
        if len(places) != 1:
            return None
        place, (expected, wanted) = places[0], (before.T, weight.T) if turned else (before, weight)
        if not np.array_equal(onnx.numpy_helper.to_array(held[place]), expected.numpy()):
            return None
        held[place].CopyFrom(onnx.numpy_helper.from_array(wanted.contiguous().numpy(), place))
    replaced: bytes = model.SerializeToString()
    return replaced


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's own remarks about its future, which mean nothing to a user, off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
