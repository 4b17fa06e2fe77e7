"""A bundle's networks as one module, and what those who use it elsewhere must know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hounsfield.bundle import Bundle
from hounsfield.errors import ExportError, StorageError
from hounsfield.networks.answering import Answering

OUTPUT = "probabilities"
"""Name of the exported network's output, (n, classes)."""

TOLERANCE = 1e-4
"""Largest difference between an exported network's probabilities and torch's."""


def whole_network(bundle: Bundle) -> Answering:
    """Images (N, channels, *shape) to calibrated probabilities (N, classes): members, mirrored copies, calibration.

    Raises:
        BundleError: The weights do not fit the plan.
        ExportError: The networks find places, which is no one answer a network could give.
    """
    if bundle.plan.task != "classification":
        raise ExportError(
            f"{bundle.identity.name} is a {bundle.plan.task}: it cannot be written as one network from images to "
            "probabilities; read with it here (hounsfield read), its boxes, landmarks or outlines are written"
        )
    plan, operating = bundle.plan, bundle.operating
    axes = plan.augmentation.flip_axes if plan.ensemble.flips else ()
    answering = Answering(
        bundle.networks(), flip_axes=axes, scale=operating.scale, offset=operating.offset, softmax=True
    )
    return answering.eval()


def description(bundle: Bundle) -> dict[str, Any]:
    """What an image has to be made into, what comes out, and what it is worth; plain values, no patient."""
    plan, operating = bundle.plan, bundle.operating
    return {
        "model": {
            "name": bundle.identity.name,
            "version": bundle.identity.version,
            "sha256": bundle.identity.sha256,
        },
        "task": plan.task,
        "classes": list(plan.classes),
        "input": {
            "name": "images",
            "axes": ["n", "channels", *("depth", "height", "width")[-plan.dims :]],
            "channels": plan.input.shown_channels,
            "image_channels": plan.input.channels,
            "views": list(plan.input.views),
            "columns": [column.model_dump(mode="json") for column in plan.input.columns],
            "shape": list(plan.input.shape),
            "dtype": "float32",
            "of_lesions": bundle.training.input_sides is not None,
            "margin": plan.input.margin,
            "film_steps": list(plan.input.film_steps),
            "steps": list(plan.input.steps),
        },
        "output": {"name": OUTPUT, "axes": ["n", "classes"], "dtype": "float32"},
        "threshold": operating.threshold,
        "threshold_from": operating.threshold_from,
        "calibrated": operating.calibrated,
        "warnings": list(bundle.training.warnings),
    }


def require_place(folder: Path, files: frozenset[str]) -> None:
    """Accept a place for an export: nothing is there, or an empty folder, or an earlier export, which is replaced.

    Args:
        folder: The place.
        files: What an export consists of, as paths inside the folder.

    Raises:
        StorageError: A file is there, or a folder with other things in it.
    """
    if not folder.exists():
        return
    if folder.is_dir():
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
        if there <= files:
            return
    raise StorageError(f"{folder} is there already and is no such export; it was left as it is. Choose another place")
