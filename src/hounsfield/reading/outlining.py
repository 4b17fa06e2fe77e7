"""The voxels of an image labelled by any runtime, and the labels as findings, each with its size and its box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, product
from math import prod
from typing import cast

import numpy as np
import torch

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings import Box, Finding, Reading
from hounsfield.formats.capacity import check_free
from hounsfield.image import Mask
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.plan import Plan
from hounsfield.plan.task import task_of
from hounsfield.plan.windows import windows_for
from hounsfield.reading.opened import Opened
from hounsfield.reading.runtime import Differ
from hounsfield.tasks.outline import by_rows, outline
from hounsfield.tasks.segmentation import Segmentation
from hounsfield.tasks.task import Task
from hounsfield.tasks.windows import bytes_held, window_of

EXAMPLES = 4
"""Windows on which another runtime must agree with torch, at most …"""

MOST_NUMBERS = 2**25
"""… and no more of them than give so many numbers, which are all held twice; one at least."""


def outline_of(opened: Opened, plan: Plan, network: Voxelwise, rows_of: Callable[[FloatArray], FloatArray]) -> Mask:
    """Which voxels of an image are what, on its own grid.

    Args:
        opened: Prepared.
        plan: The model's.
        network: Its networks.
        rows_of: Computes their rows (n, numbers) of windows (n, channels, *shape), in whatever way.

    Raises:
        GeometryError: A step of the plan turned the image.
        StorageError: What the networks say of it does not fit into memory.
    """
    if opened.array is None or opened.onto is None:
        raise ValueError("an image that is not prepared cannot be outlined")
    task = cast("Segmentation", task_of(plan))
    shape = deep(opened.array).shape[1:]
    needed = bytes_held(shape, windows_for(plan), task.outputs)
    check_free(opened.reading.path or opened.reading.case, opened.shape, needed, what="image, while it is outlined,")
    said = outline(
        by_rows(lambda windows: torch.from_numpy(rows_of(windows.numpy())), network),
        deep(opened.array),
        task,
        windows=windows_for(plan),
        onto=np.linalg.inv(opened.onto),
        shape=opened.shape,
    )
    return task.outline(said, opened.spacing_mm)


def labels_differ(task: Task, network: Voxelwise) -> Differ:
    """The share of the voxels with a label that get another one by another runtime."""
    own = cast("Segmentation", task)

    def differ(one: FloatArray, other: FloatArray) -> tuple[float, str]:
        different = there = 0
        for pair in zip(one, other, strict=True):
            first, second = (own.labelled(network.logits(torch.from_numpy(rows[None]))[0]) for rows in pair)
            different += int((first != second).sum())
            there += int(((first > 0) | (second > 0)).sum())
        share = different / max(1, there)
        return share, f"in {share:.2%} of the voxels with a label"

    return differ


def outlined(opened: Opened, found: Mask) -> Reading:
    """The reading of an image with its outline."""
    findings = findings_of_outline(found, opened.spacing_mm)
    return replace(opened.reading, findings=findings, looked_for=found.names, outline=found, outlined=True)


def example_windows(array: FloatArray, plan: Plan) -> FloatArray:
    """(n, channels, *shape): some windows of an image (channels, *canvas), spread over it."""
    voxels, windows = deep(array), windows_for(plan)
    starts = [windows.starts(side, axis) for axis, side in enumerate(voxels.shape[1:])]
    places = list(product(*starts))
    most = max(1, min(EXAMPLES, MOST_NUMBERS // (prod(windows.shape) * task_of(plan).outputs)))
    step = max(1, len(places) // most)
    chosen = islice(places, len(places) // 2 % step, None, step)
    cut = [window_of(voxels, place, windows.shape, repeated=windows.repeated).numpy() for place in chosen]
    found = np.stack(cut[:most])
    return found[:, :, 0] if windows.flat else found


def deep(array: FloatArray) -> FloatArray:
    """(channels, d, h, w) of what networks are shown, (channels, *canvas)."""
    return array if array.ndim == 4 else array[:, None]


def findings_of_outline(found: Mask, spacing: Sequence[float]) -> tuple[Finding, ...]:
    """The labels that are on an image.

    Args:
        found: Of its voxels.
        spacing: Between them along (d, h, w) in mm; empty where it does not know it.
    """
    findings = []
    flat = found.labels.shape[0] == 1
    for name, mask in found.parts():
        count = int(np.count_nonzero(mask))
        if not count:
            continue
        size, unit = _size(count, spacing, flat=flat)
        (z0, z1), (y0, y1), (x0, x1) = (_span(mask, axis) for axis in range(3))
        finding = Finding(name, 1.0, Box(x0, y0, x1, y1, name, z0, z1), size=size, size_unit=unit)
        findings.append(_counted(finding, found, count) if found.instances else finding)
    return tuple(findings)


def _counted(finding: Finding, found: Mask, voxels: int) -> Finding:
    """With how many objects there are, and the median of their sizes.

    Args:
        finding: Of all of them.
        found: Where each is.
        voxels: Of all of them.
    """
    sizes = np.unique(found.labels[found.labels > 0], return_counts=True)[1]
    return replace(finding, instances=len(sizes), median_size=finding.size * float(np.median(sizes)) / voxels)


def _size(count: int, spacing: Sequence[float], *, flat: bool) -> tuple[float, str]:
    if not spacing:
        return float(count), "pixels" if flat else "voxels"
    if flat:
        return count * float(np.prod(spacing[1:])) / 100, "cm²"
    return count * float(np.prod(spacing)) / 1000, "ml"


def _span(mask: BoolArray, axis: int) -> tuple[float, float]:
    """The first voxel along an axis, and one after the last."""
    there: BoolArray = np.any(mask, axis=tuple(other for other in range(3) if other != axis))
    places = np.flatnonzero(there)
    return float(places[0]), float(places[-1] + 1)
