"""A bundle as one ONNX file, with a description of its input and output beside it.

model.onnx    images (n, channels, *shape) float32 to calibrated probabilities (n, classes)
model.json    classes, preprocessing, threshold; see docs/export.md
plan.toml     the bundle's plan
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import torch
from torch import Tensor

from hounsfield.atomic import atomic_folder
from hounsfield.bundle import Bundle
from hounsfield.errors import ExportError
from hounsfield.exporting.network import OUTPUT, TOLERANCE, description, require_place, whole_network
from hounsfield.networks.answering import Answering
from hounsfield.networks.onnx import INPUT, OPSET, onnx_bytes
from hounsfield.plan import Input

FILES = frozenset({"model.onnx", "model.json", "plan.toml"})


def export_onnx(bundle: Bundle, folder: Path) -> None:
    """Write the three files, all or none.

    Raises:
        MissingExtraError: ONNX's packages are not installed.
        ExportError: The network cannot be written as ONNX, or ONNX Runtime, where it is installed, answers otherwise.
        StorageError: Something else is at `folder`, or the disk refused.
    """
    require_place(folder, FILES)
    spec = bundle.plan.input
    network = whole_network(bundle)
    content = onnx_bytes(network, input_shape=(spec.shown_channels, *spec.shape), output=OUTPUT)
    if importlib.util.find_spec("onnxruntime") is not None:
        _compare(content, network, _examples(spec))
    with atomic_folder(folder) as temporary:
        (temporary / "model.onnx").write_bytes(content)
        document = {"format": "onnx", "opset": OPSET, **description(bundle)}
        (temporary / "model.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
        shutil.copyfile(bundle.folder / "plan.toml", temporary / "plan.toml")


def _examples(spec: Input) -> Tensor:
    """Three inputs; where there are views or columns, the last lacks all but the first view, and every column."""
    images = torch.randn(3, spec.shown_channels, *spec.shape, generator=torch.Generator().manual_seed(0))
    images[2, spec.channels : spec.stored_channels] = 0
    images[2, spec.stored_channels :] = torch.nan
    return images


def _compare(content: bytes, network: Answering, images: Tensor) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run([OUTPUT], {INPUT: images.numpy()})
    with torch.inference_mode():
        difference = float((torch.from_numpy(found) - network(images)).abs().max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"ONNX Runtime answers otherwise than torch, by {difference:.2g} in probability; nothing was written. "
            "Please report this, with the plan"
        )
