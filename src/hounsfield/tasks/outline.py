"""What networks say of all voxels of an image, in validation and in reading alike."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hounsfield.arrays import FloatArray, IntArray, VoxelArray
from hounsfield.networks.voxelwise import Voxelwise
from hounsfield.tasks.predict import memory_order
from hounsfield.tasks.segmentation import Segmentation
from hounsfield.tasks.windows import Look, Windows, label_image

Compute = Callable[[Tensor], Tensor]
"""Logits (N, outputs, *shape) float32 of windows (N, C, *shape)."""


def outline(
    compute: Compute,
    voxels: VoxelArray,
    task: Segmentation,
    *,
    windows: Windows,
    onto: FloatArray,
    shape: tuple[int, int, int],
    on_slice: Callable[[int], None] = lambda done: None,
) -> IntArray:
    """(d, h, w), as `Segmentation.labelled` says, on the grid of the image as stored.

    Args:
        compute: What the networks say of windows.
        voxels: (C, d, h, w), as the networks are shown them.
        task: What the logits mean.
        windows: How the image is looked at.
        onto: (4, 4), from array index (d, h, w) as stored to that of `voxels`.
        shape: (d, h, w) as stored.
        on_slice: Called with the number of slices that are done.

    Raises:
        GeometryError: The grids are turned against each other.
    """
    return label_image(
        _flat(compute) if windows.flat else compute,
        voxels,
        windows,
        task.labelled,
        outputs=task.outputs,
        onto=onto,
        shape=shape,
        on_slice=on_slice,
    )


def _flat(compute: Compute) -> Look:
    """For networks that look at slices."""
    return lambda windows: compute(windows[:, :, 0])[:, :, None]


def by_rows(rows_of: Callable[[Tensor], Tensor], network: Voxelwise) -> Compute:
    """What any runtime computes of a network whose answers are rows."""
    return lambda windows: network.logits(rows_of(windows))


def by_torch(network: Voxelwise, *, channels_last: bool) -> Compute:
    """The same, computed by torch, the network's weights being in this memory order."""

    @torch.inference_mode()
    def rows_of(windows: Tensor) -> Tensor:
        rows: Tensor = network(memory_order(windows, channels_last=channels_last))
        return rows

    return by_rows(rows_of, network)
