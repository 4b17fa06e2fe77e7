"""`Header`: all that a file says of its image without its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.image import Source, SpacingKind, Window, is_placed


@dataclass(frozen=True, eq=False)
class Header:
    """What `read` would return, without the voxels."""

    shape: tuple[int, int, int]
    """(depth, height, width), depth 1 when planar."""
    channels: int
    """1 for grey, 3 for colour, or as many as there are volumes in the file."""
    dtype: np.dtype[np.generic]
    """Of the voxels that `read` returns: float32 where the file asks for rescaling."""
    affine: FloatArray
    """(4, 4), as in `Image`."""
    format: str
    """As `identify` names it."""
    modality: str = ""
    spacing_kind: SpacingKind = "none"
    source: Source = field(default_factory=Source)
    windows: tuple[Window, ...] = ()
    by_channel: tuple[Header, ...] = ()
    """Of an image that is put together from several, what the file of each says."""

    @property
    def placed(self) -> bool:
        """As `Image.placed`."""
        return is_placed(self.affine, self.spacing_kind)

    @property
    def voxel_bytes(self) -> int:
        """Memory that the voxels take once read."""
        depth, height, width = self.shape
        return self.channels * depth * height * width * self.dtype.itemsize
