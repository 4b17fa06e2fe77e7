"""`Outside`: what can be known of an image without its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hounsfield import geometry
from hounsfield.datasets.case import Crop, ImageRef
from hounsfield.datasets.load import crop_side, header_of
from hounsfield.datasets.npz import array_headers
from hounsfield.errors import DatasetError


@dataclass(frozen=True)
class Outside:
    """An image from outside."""

    shape: tuple[int, int, int]
    """(depth, height, width)."""
    channels: int
    dtype: str
    modality: str
    spacing_kind: str
    spacing_mm: tuple[float, float, float]
    by_channel: tuple[tuple[str, str], ...] = ()
    """Modality and dtype of each channel, where the image is put together from several."""

    def of_crop(self, crop: Crop | None) -> Outside:
        """The same for the crop."""
        if crop is None:
            return self
        side = crop_side(crop)
        return replace(self, shape=(self.shape[0], side, side))


def outside(ref: ImageRef) -> Outside:
    """What the header of a file says, of a whole image or of every row of an array.

    Raises:
        FormatError, GeometryError, DatasetError: The header cannot be read.
    """
    if ref.array:
        return _of_array(ref.path, ref.array)
    header = header_of(ref)
    return Outside(
        shape=header.shape,
        channels=header.channels,
        dtype=str(header.dtype),
        modality=header.modality,
        spacing_kind=header.spacing_kind,
        spacing_mm=geometry.spacing_mm(header.affine),
        by_channel=tuple((one.modality, str(one.dtype)) for one in header.by_channel),
    )


def _of_array(path: Path, name: str) -> Outside:
    arrays = array_headers(path)
    if name not in arrays:
        raise DatasetError(f"{path} holds no array {name!r}")
    row, channels = arrays[name].shape[1:], 1
    if len(row) == 3 and row[-1] == 3:
        row, channels = row[:-1], 3
    depth, height, width = row if len(row) == 3 else (1, *row)
    return Outside((depth, height, width), channels, str(arrays[name].dtype), "", "none", (1.0, 1.0, 1.0))
