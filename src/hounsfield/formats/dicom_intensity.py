"""Stored values to the image's values: the modality LUT (PS3.3 C.11.1), and MONOCHROME1 turned over.

The reader gives every grey image so that bright is dense. For MONOCHROME1, where the lowest value is shown white, each
value y becomes mirror - y, with mirror = the sum of the lowest and highest value that the stored bits can give; the
windows are turned over with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.formats.stored_bits import stored_range

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_FLOAT32_EXACT = 1 << 24
"""Whole numbers up to this are exact in float32."""


@dataclass(frozen=True, eq=False)
class Intensity:
    """What is done to stored values: times slope plus intercept, or a table; turned over or not."""

    slope: float = 1.0
    intercept: float = 0.0
    table: FloatArray | None = None
    """(n,) values of the stored values `table_first`, `table_first` + 1, …; beyond its ends the end values go on."""
    table_first: int = 0
    mirror: float | None = None
    """Each value y becomes mirror - y; None where nothing is turned over."""

    @property
    def keeps_type(self) -> bool:
        """Whether the values stay as stored (perhaps turned over), so that the image keeps the stored type."""
        return self.table is None and self.slope == 1.0 and self.intercept == 0.0

    def dtype(self, stored: np.dtype[np.generic]) -> np.dtype[np.generic]:
        """Type of the image's voxels when pixels are stored as `stored`."""
        return stored if self.keeps_type else np.dtype(np.float32)

    def apply(self, stored: VoxelArray, out: VoxelArray) -> None:
        """Write the values of `stored` into `out`, of the same shape and of type `dtype(stored.dtype)`.

        Computed in float64 and rounded once, except where float32 gives the same.
        """
        if self.keeps_type:
            self._apply_whole(stored, out)
            return
        if self.table is not None:
            last = len(self.table) - 1
            index = np.clip(stored.astype(np.int64) - self.table_first, 0, last)
            values = self.table[index]
            out[...] = values if self.mirror is None else self.mirror - values
            return
        slope, intercept = self.slope, self.intercept
        if self.mirror is not None:
            slope, intercept = -slope, self.mirror - intercept
        exact = float(intercept).is_integer() and abs(intercept) < _FLOAT32_EXACT and stored.dtype.itemsize <= 2
        if slope == 1.0 and exact:
            np.add(stored, np.float32(intercept), out=out)
        elif slope == -1.0 and exact:
            np.subtract(np.float32(intercept), stored, out=out)
        else:
            np.copyto(out, stored * np.float64(slope) + intercept, casting="same_kind")

    def _apply_whole(self, stored: VoxelArray, out: VoxelArray) -> None:
        if self.mirror is None:
            np.copyto(out, stored)
        else:
            mirror = stored.dtype.type(self.mirror)
            # Values above the stored bits (rubbish in unused ones) would wrap round; they become the lowest value.
            kept = np.minimum(stored, mirror) if stored.dtype.kind == "u" else stored
            np.subtract(mirror, kept, out=out)


def linear(slope: float, intercept: float, *, bits_stored: int, signed: bool, monochrome1: bool) -> Intensity:
    """Intensity of a linear modality LUT; slope 0, which some files hold, counts as 1."""
    slope = slope or 1.0
    if not monochrome1:
        return Intensity(slope, intercept)
    low, high = stored_range(bits_stored, signed=signed)
    return Intensity(slope, intercept, mirror=slope * (low + high) + 2 * intercept)


def intensity_of(dataset: Dataset, slope: float | None = None, intercept: float | None = None) -> Intensity:
    """Intensity of a file's pixels.

    Args:
        dataset: pydicom's data set.
        slope: Of a frame of an enhanced image, instead of the file's.
        intercept: Likewise.
    """
    monochrome1 = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    signed = dataset.get("PixelRepresentation", 0) == 1
    bits = int(dataset.get("BitsStored") or dataset.get("BitsAllocated") or 16)
    if dataset.get("ModalityLUTSequence"):
        first, table = lookup_table(dataset.ModalityLUTSequence[0], signed=signed)
        mirror = float(table.min() + table.max()) if monochrome1 else None
        return Intensity(table=table, table_first=first, mirror=mirror)
    scaling = dataset.get("DoseGridScaling") if dataset.get("Modality") == "RTDOSE" else None
    default = scaling or _number(dataset.get("RescaleSlope"), 1.0)
    return linear(
        float(default if slope is None else slope),
        float(_number(dataset.get("RescaleIntercept"), 0.0) if intercept is None else intercept),
        bits_stored=bits,
        signed=signed,
        monochrome1=monochrome1,
    )


def lookup_table(item: Dataset, *, signed: bool) -> tuple[int, FloatArray]:
    """First mapped value and the table, float64, of an item of a LUT sequence (PS3.3 C.11.1.1.1).

    Args:
        item: With LUTDescriptor and LUTData.
        signed: Whether the pixels are, and with them the first mapped value.
    """
    count, first, bits = (int(part) for part in item.LUTDescriptor)
    count = count or 1 << 16
    if signed and first >= 1 << 15:
        first -= 1 << 16
    data = item.LUTData
    if isinstance(data, bytes):
        wide = len(data) >= 2 * count
        table = np.frombuffer(data, dtype="<u2" if wide else np.uint8)[:count]
    else:
        table = np.asarray(data, dtype=np.int64)[:count] & ((1 << max(bits, 8)) - 1)
    return first, table.astype(np.float64)


def _number(value: object, default: float) -> float:
    if value is None or value == "":
        return default
    return float(str(value))
