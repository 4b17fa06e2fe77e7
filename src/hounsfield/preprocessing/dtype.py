"""From the numbers a step computes in back to the type an image is stored in."""

from __future__ import annotations

from typing import Any

import numpy as np

from hounsfield.arrays import VoxelArray


def as_type(values: VoxelArray, dtype: np.dtype[Any]) -> VoxelArray:
    """`values` in `dtype`: rounded and kept inside its range where it is a whole-number type."""
    if values.dtype == dtype:
        return values
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
    return values.astype(dtype)
