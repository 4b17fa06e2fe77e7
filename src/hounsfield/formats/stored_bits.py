"""The bits of a stored pixel that count (PS3.5 8.1.1): BitsStored of BitsAllocated."""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import VoxelArray


def correct_unused_bits(pixels: VoxelArray, bits_stored: int) -> None:
    """Set the unused high bits of each pixel, in place: to 0, or for signed pixels to the sign.

    The standard leaves open what stands there; old files keep overlays or noise in them.
    """
    unused = pixels.dtype.itemsize * 8 - bits_stored
    if unused <= 0:
        return
    if pixels.dtype.kind == "u":
        np.bitwise_and(pixels, pixels.dtype.type((1 << bits_stored) - 1), out=pixels)
    else:
        np.left_shift(pixels, unused, out=pixels)
        np.right_shift(pixels, unused, out=pixels)


def stored_range(bits_stored: int, *, signed: bool) -> tuple[int, int]:
    """Lowest and highest value that fits into so many bits."""
    return (-(1 << (bits_stored - 1)), (1 << (bits_stored - 1)) - 1) if signed else (0, (1 << bits_stored) - 1)
