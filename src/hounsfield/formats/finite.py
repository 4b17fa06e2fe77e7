"""Voxels that are numbers: NaN and infinities are refused where they enter."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.errors import FormatError


def check_finite(path: Path | str, voxels: VoxelArray) -> None:
    """Return if every voxel is finite; integers always are.

    A reader of the file would otherwise meet them much later, as a loss or a probability that is NaN. Which value
    stands for "outside the image" only the maker of the file knows, so nothing is put in their place.

    Raises:
        FormatError: Some are NaN or infinite; the message says how many and where the first one is.
    """
    if not np.issubdtype(voxels.dtype, np.floating):
        return
    for channel in voxels:
        for depth, plane in enumerate(channel):
            if not np.isfinite(plane).all():
                raise FormatError(_sentence(path, voxels, depth, plane))


def _sentence(path: Path | str, voxels: VoxelArray, depth: int, plane: VoxelArray) -> str:
    row, column = np.argwhere(~np.isfinite(plane))[0]
    count = sum(int((~np.isfinite(plane)).sum()) for channel in voxels for plane in channel)
    return (
        f"{path}: {count} of {voxels.size} voxels are not numbers (NaN or infinite), the first at slice {depth}, "
        f"row {row}, column {column}; write the file again with a number in their place, usually the background's"
    )
