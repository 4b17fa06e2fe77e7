"""`Size`: how large a lesion is, how round, and its diameters.

Reference:
    Wadell, "Volume, shape, and roundness of quartz particles" (1935), doi:10.1086/624298 (sphericity).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.axes import Axes, measure_axes
from hounsfield.findings.box import box_of_lesion, require_mask
from hounsfield.findings.surface import closed_surface


@dataclass(frozen=True)
class Size:
    """How large a lesion is. Of a planar image, `volume` is an area and `surface` the length of the outline."""

    planar: bool
    voxels: int
    volume: float
    """mm³ (mm² in a plane): the number of voxels times the volume of one."""
    volume_uncertainty: float
    """± half of the volume of the voxels that have a side in common with one outside: as if the outline were drawn
    through their middle."""
    surface: float
    """mm² (mm in a plane), of the polygons between the voxels. On a grid's staircase that is 8 % too much for a ball of
    cubic voxels, more where slices are thick."""
    sphericity: float
    """Surface of the ball of this volume over that of the lesion, 1 for a ball and less for all else; for the reason
    above 0.92 for a ball of cubic voxels. In a plane the same of circle and outline."""
    effective_diameter_mm: float
    """Of the ball (the circle in a plane) of the same volume."""
    parts: int
    """That do not touch, not even by a corner: diameters reach from one to the other."""
    axes: Axes
    axis_uncertainty_mm: float
    """± of the axes in a slice: half of a pixel's diagonal at each end."""
    longest_uncertainty_mm: float
    """± of the longest diameter in space: half of a voxel's diagonal at each end."""
    cut: bool
    """Whether the lesion reaches the border of the image, in a direction in which the image has more than one voxel: it
    may go on beyond, and all of the above is then the least it can be."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the lesion's mask, a sentence each."""
        found = []
        if self.cut:
            found.append(
                "The lesion reaches the border of the image. What lies beyond is not seen: sizes are the least they "
                "can be, distances the most."
            )
        if self.parts > 1:
            found.append(
                f"The lesion is in {self.parts} parts that do not touch, and its diameters may reach from one to "
                "another: measure each by itself where they are lesions of their own, and clear the mask of specks."
            )
        return tuple(found)

    @property
    def who_product_mm2(self) -> float:
        """Long axis times short axis (WHO)."""
        return self.axes.long.length_mm * self.axes.short.length_mm


def measure_size(mask: BoolArray, affine: FloatArray) -> Size:
    """How large a lesion is.

    Args:
        mask: (depth, height, width), depth 1 when planar.
        affine: (4, 4), array index to LPS mm.

    Raises:
        ShapeError: Not a mask.
        ImageError: Nothing is inside.
    """
    require_mask(mask)
    box = box_of_lesion(mask)
    planar = mask.shape[0] == 1
    spacing = geometry.spacing_mm(affine)
    part = mask[box]
    voxel = float(np.prod(spacing[1:] if planar else spacing))
    voxels = int(np.count_nonzero(part))
    volume, surface = voxels * voxel, closed_surface(mask, affine).area
    if planar:
        effective = 2 * math.sqrt(volume / math.pi)
        round_one = math.pi * effective
    else:
        effective = (6 * volume / math.pi) ** (1 / 3)
        round_one = math.pi * effective**2
    return Size(
        planar=planar,
        voxels=voxels,
        volume=volume,
        volume_uncertainty=_edge_voxels(part, planar) * voxel / 2,
        surface=surface,
        sphericity=round_one / surface,
        effective_diameter_mm=effective,
        parts=_parts(part),
        axes=measure_axes(mask, affine),
        axis_uncertainty_mm=diagonal_mm(affine, planar=True),
        longest_uncertainty_mm=diagonal_mm(affine, planar=planar),
        cut=is_cut(mask),
    )


def diagonal_mm(affine: FloatArray, *, planar: bool) -> float:
    """Length of a voxel's diagonal, or of a pixel's in its slice."""
    return float(np.linalg.norm(geometry.spacing_mm(affine)[1 if planar else 0 :]))


def is_cut(mask: BoolArray) -> bool:
    """Whether what is inside reaches the border of the image along an axis with more than one voxel."""
    return any(
        length > 1 and bool(mask.take(end, axis=axis).any())
        for axis, length in enumerate(mask.shape)
        for end in (0, length - 1)
    )


def _parts(mask: BoolArray) -> int:
    from scipy import ndimage

    return int(ndimage.label(mask, np.ones((3, 3, 3)))[1])


def _edge_voxels(part: BoolArray, planar: bool) -> int:
    """How many voxels inside have a side in common with one outside."""
    inner = part.copy()
    padded = np.pad(part, 1)
    for axis in range(1 if planar else 0, 3):
        for step in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(step, part.shape[axis] + step)
            inner &= padded[tuple(window)]
    return int(np.count_nonzero(part) - np.count_nonzero(inner))
