"""Windows applied to voxels, and chosen by a user's words (PS3.3 C.11.2.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import VoxelArray
from hounsfield.errors import UsageError
from hounsfield.image import Image, Window

CT_WINDOWS: dict[str, Window] = {
    "brain": Window(40, 80, name="brain"),
    "soft": Window(40, 400, name="soft"),
    "mediastinum": Window(50, 350, name="mediastinum"),
    "lung": Window(-600, 1500, name="lung"),
    "bone": Window(400, 1800, name="bone"),
}
"""Usual windows in Hounsfield units, by the name they can be asked for on CT."""
FULL = "full"
"""The word for the whole range of the image's values."""


def apply_window(values: VoxelArray, window: Window) -> NDArray[np.float32]:
    """The values as brightness in [0, 1], float32, of the same shape.

    LINEAR follows PS3.3 C.11.2.1.2.1 (black at c - 0.5 - (w - 1) / 2 and below), LINEAR_EXACT C.11.2.1.3.2, SIGMOID
    C.11.2.1.3.1; a table is read between its steps.
    """
    center, width = window.center, window.width
    if window.table:
        steps = np.linspace(center - width / 2, center + width / 2, len(window.table))
        return np.interp(values, steps, window.table).astype(np.float32)
    levels = values.astype(np.float32)
    if window.function == "SIGMOID":
        with np.errstate(over="ignore", under="ignore"):  # far from the window the result is 0 or 1 all the same
            return np.asarray(1 / (1 + np.exp(-4 * (levels - np.float32(center)) / np.float32(width))), np.float32)
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width <= 0:
        return (levels > center).astype(np.float32)
    levels -= np.float32(center - width / 2)
    levels /= np.float32(width)
    return np.clip(levels, 0, 1, out=levels)


def full_window(image: Image) -> Window:
    """The window from the lowest to the highest value of the image; width 1 when all are alike."""
    low, high = float(image.voxels.min()), float(image.voxels.max())
    return Window((low + high) / 2, max(high - low, 1e-6) if high > low else 1.0, function="LINEAR_EXACT", name=FULL)


def parse_window(words: str) -> Window | str | int:
    """A window of numbers, the name of one, or the place of one in the file's list.

    Args:
        words: "40,400" (centre, width), "1" (the file's second one), or a name.

    Raises:
        UsageError: Two numbers are meant and one is none, or the width is not above 0.
    """
    text = words.strip()
    if text.lstrip("-").isdecimal():
        return int(text)
    if "," not in text:
        return text
    try:
        center, width = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"window {words!r}: expected centre,width as two numbers, for instance 40,400") from None
    if not width > 0 or not np.isfinite(center + width):
        raise UsageError(f"window {words!r}: the width must be above 0")
    return Window(center, width)


def choose_window(image: Image, wanted: Window | str | int | None) -> Window | None:
    """The window to show an image with; None where eight-bit values are shown as they are.

    Args:
        image: Whose windows are chosen from.
        wanted: A window; the place of one of the file's own; its name, or on CT one of `CT_WINDOWS`; "full"; or None:
            the file's first, else the full range (eight-bit values as they are).

    Raises:
        UsageError: No window of that name or place; the message lists those there are.
    """
    if isinstance(wanted, Window):
        return wanted
    if wanted is None:
        if image.windows:
            return image.windows[0]
        return None if image.voxels.dtype == np.uint8 else full_window(image)
    if isinstance(wanted, int):
        if 0 <= wanted < len(image.windows):
            return image.windows[wanted]
        raise UsageError(f"{image.source.path}: no window {wanted}; {_offered(image)}")
    name = wanted.casefold()
    if name == FULL:
        return full_window(image)
    named = {window.name.casefold(): window for window in reversed(image.windows) if window.name}
    known = (CT_WINDOWS if image.modality == "CT" else {}) | named
    if name not in known:
        raise UsageError(f"{image.source.path}: no window called {wanted!r}; {_offered(image)}")
    return known[name]


def _offered(image: Image) -> str:
    own = [
        f"{place} ({window.name or f'{window.center:g},{window.width:g}'})"
        for place, window in enumerate(image.windows)
    ]
    names = [*(CT_WINDOWS if image.modality == "CT" else ()), FULL]
    return f"the file has {', '.join(own) or 'none of its own'}, and there are {', '.join(names)} and centre,width"
