"""A torch module as TorchScript, which torch alone opens again."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from hounsfield.errors import ExportError
from hounsfield.exporting.network import TOLERANCE


def write_torchscript(
    network: nn.Module, path: Path, *, input_shape: Sequence[int], extra: Mapping[str, str] | None = None
) -> None:
    """Write the network as it answers images of one shape, any number of them at a time.

    Args:
        network: In evaluation mode.
        path: Of the file.
        input_shape: (channels, *shape) of one image.
        extra: Texts that are stored in the file, by name.

    Raises:
        ExportError: The network does something that cannot be traced, or answers otherwise when it is.
    """
    generator = torch.Generator().manual_seed(0)
    two, five = (torch.randn(count, *input_shape, generator=generator) for count in (2, 5))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing is on its way out of torch, and is still what MONAI opens
            traced = torch.jit.trace(network, two, check_trace=False)  # type: ignore[no-untyped-call]
            difference = float((traced(five) - network(five)).abs().max())
    except RuntimeError as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ExportError(f"torch cannot write this network as TorchScript: {reason[-1]}") from error
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the network written as TorchScript answers otherwise, by {difference:.2g} in probability: it depends on "
            "the number of images, or on their values, in a way that cannot be traced"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(traced, path, _extra_files=dict(extra or {}))
