"""The voxels of an image of the phantom: axial slices around the origin of patient space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray
from hounsfield.datasets.phantom3d.physique import WIDEST_MM
from hounsfield.errors import UsageError

FIELD_OF_VIEW_MM = (256.0, 384.0, 384.0)
"""(depth, height, width) covered where no size is asked for."""
_LEAST_MM = (240.0, WIDEST_MM[1], WIDEST_MM[0])
"""What has to be covered, so that every tumour and the widest body lie within the image."""
_FINEST_MM, _COARSEST_MM = 0.3, 8.0


@dataclass(frozen=True)
class Grid:
    """Depth runs to the head, height to the back, width to the left; the middle of the image is the origin."""

    shape: tuple[int, int, int]
    """(depth, height, width)."""
    spacing_mm: tuple[float, float, float]
    """Along (depth, height, width)."""

    @property
    def affine(self) -> FloatArray:
        """(4, 4), array index to LPS mm."""
        z, y, x = (float(self.axis(axis)[0]) for axis in range(3))
        toward = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
        return geometry.affine_from_axes(origin_mm=np.array([x, y, z]), spacing_mm=self.spacing_mm, directions=toward)

    def axis(self, axis: int) -> FloatArray:
        """LPS coordinates of the middles of voxels along depth (z), height (y) or width (x)."""
        count = self.shape[axis]
        return np.asarray((np.arange(count) - (count - 1) / 2) * self.spacing_mm[axis])

    def holds(self, point: FloatArray) -> bool:
        """Whether a place, (x, y, z) in LPS mm, lies on a voxel of the image."""
        extent = (count * step / 2 for count, step in zip(self.shape, self.spacing_mm, strict=True))
        return all(abs(float(place)) <= half for place, half in zip(point[::-1], extent, strict=True))


def choose_grid(spacing_mm: tuple[float, float, float], size: tuple[int, int, int] | None) -> Grid:
    """The grid of a spacing, of the size asked for, or as large as it takes to cover FIELD_OF_VIEW_MM.

    Raises:
        UsageError: A spacing is out of its range, or the body would not fit into the image.
    """
    if not all(_FINEST_MM <= step <= _COARSEST_MM for step in spacing_mm):
        raise UsageError(
            f"the spacing of the phantom's voxels must be {_FINEST_MM:g} to {_COARSEST_MM:g} mm along depth, height "
            f"and width, not {_times(spacing_mm)}"
        )
    if size is None:
        depth, height, width = (
            math.ceil(round(extent / step, 6)) for extent, step in zip(FIELD_OF_VIEW_MM, spacing_mm, strict=True)
        )
        return Grid((depth, height, width), spacing_mm)
    covered = tuple(count * step for count, step in zip(size, spacing_mm, strict=True))
    if any(have < need for have, need in zip(covered, _LEAST_MM, strict=True)):
        raise UsageError(
            f"{_times(size)} voxels of {_times(spacing_mm)} mm (depth × height × width) cover {_times(covered)} mm, "
            f"and the phantom's bodies need {_times(_LEAST_MM)} mm: ask for more voxels or a wider spacing, or leave "
            "out the size"
        )
    return Grid(size, spacing_mm)


def _times(numbers: tuple[float, ...] | tuple[int, ...]) -> str:
    return " × ".join(f"{number:g}" for number in numbers)
