"""Voxels as the eight bits a screen shows: the file's own window, or one that fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.formats.window import CT_WINDOWS, apply_window
from hounsfield.image import Image, Window

SOFT_TISSUE = CT_WINDOWS["soft"]
"""Used for CT without a window of its own."""

_TAILS_PERCENT = (0.5, 99.5)
_LEAST_FILLED = 0.03
"""Share of a window that the values must fill for it to be theirs."""
_SAMPLE = 250_000
"""Pixels that are enough to find the tails."""


def shown_slice(image: Image, heat: FloatArray | None = None) -> int:
    """Depth index of the slice to show: where the heat is largest, else the middle one."""
    depth = image.shape[0]
    if heat is not None and heat.ndim == 3 and heat.shape[0] == depth and np.isfinite(heat).any():
        return int(np.nan_to_num(heat).reshape(depth, -1).max(axis=1).argmax())
    return depth // 2


def fitting_window(image: Image) -> Window | None:
    """The image's first window, or soft tissue for CT, where the values fill it; else None for eight bits as they are,
    or the bulk of the values.

    A normalised image may still carry the window of its file; its values then fill next to nothing of it.
    """
    low, high = _tails(image)
    named: tuple[Window, ...] = (*image.windows[:1], *((SOFT_TISSUE,) if image.modality == "CT" else ()))
    for window in named:
        bottom, top = window.center - window.width / 2, window.center + window.width / 2
        if window.width > 0 and min(high, top) - max(low, bottom) > _LEAST_FILLED * window.width:
            return window
    if image.voxels.dtype == np.uint8:
        return None
    width = high - low or 1.0
    return Window(center=low + width / 2, width=width, function="LINEAR_EXACT")


def _tails(image: Image) -> tuple[float, float]:
    """The values between which nearly all others lie; (0, 1) where none is finite."""
    values = image.voxels.reshape(-1)
    values = values[:: max(1, values.size // _SAMPLE)].astype(np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, _TAILS_PERCENT)
    if high <= low:
        low, high = values.min(), values.max()
    return float(low), float(high)


def eight_bits(plane: VoxelArray, window: Window | None) -> NDArray[np.uint8]:
    """The plane, any shape, as uint8 through the window (PS3.3 C.11.2.1.2, C.11.2.1.3); NaN becomes black.

    Args:
        plane: Numbers of any type.
        window: None passes eight-bit values on unchanged.
    """
    if window is None:
        return plane.astype(np.uint8, copy=False)
    values = np.nan_to_num(plane.astype(np.float32), nan=-np.inf)
    return np.asarray(apply_window(values, window) * 255 + 0.5, dtype=np.uint8)
