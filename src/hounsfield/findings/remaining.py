"""`Remaining`: how much of an organ is left when a lesion is taken out with a margin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError
from hounsfield.findings.box import box_of_lesion, grown, require_mask
from hounsfield.findings.measure import diagonal_mm
from hounsfield.findings.surface import closed_surface


@dataclass(frozen=True)
class Remaining:
    """What is left of an organ, in per cent of the organ without the lesion."""

    percent: float
    percent_low: float
    """With a margin half a voxel's diagonal wider."""
    percent_high: float
    """With a margin half a voxel's diagonal narrower."""
    remaining_mm3: float
    organ_mm3: float
    """Without the lesion."""


def measure_remaining(lesion: BoolArray, organ: BoolArray, affine: FloatArray, *, margin_mm: float) -> Remaining:
    """How much of an organ is farther from a lesion than a margin.

    A voxel is taken out when its centre lies in the lesion or is not farther from the lesion's surface than the margin.

    Args:
        lesion: (depth, height, width).
        organ: On the same grid; whether the lesion's voxels belong to it does not matter.
        affine: (4, 4), array index to LPS mm.
        margin_mm: 0 or more.

    Raises:
        ShapeError: Not masks.
        ImageError: There is no lesion, or no organ besides it.
    """
    require_mask(organ)
    distances = organ_distances(lesion, organ, affine, reach_mm=margin_mm + diagonal_mm(affine, planar=False))
    planar = lesion.shape[0] == 1
    whole = int(np.count_nonzero(organ & ~lesion))
    if not whole:
        raise ImageError("the organ's mask holds nothing besides the lesion, so there is nothing to remain")
    half = diagonal_mm(affine, planar=planar) / 2
    left = [whole - int(np.count_nonzero(distances <= margin_mm + more)) for more in (0.0, half, -half)]
    percent, low, high = (100 * one / whole for one in left)
    voxel = float(np.prod(geometry.spacing_mm(affine)[1 if planar else 0 :]))
    return Remaining(percent, low, high, left[0] * voxel, whole * voxel)


def organ_distances(lesion: BoolArray, organ: BoolArray, affine: FloatArray, *, reach_mm: float) -> FloatArray:
    """Distance in mm from the lesion's surface to the centre of each voxel (n,) of the organ, outside the lesion, that
    may lie within reach; those beyond are infinite or left out.

    Raises:
        ShapeError: Not a mask.
        ImageError: There is no lesion.
    """
    from scipy.spatial import cKDTree

    require_mask(lesion)
    box = box_of_lesion(lesion)
    part = grown(box, lesion.shape, reach_mm, geometry.spacing_mm(affine))
    places = np.argwhere(organ[part] & ~lesion[part]) + [side.start for side in part]
    tree = cKDTree(closed_surface(lesion, affine).points_mm)
    found: FloatArray = tree.query(geometry.world_from_index(affine, places), distance_upper_bound=reach_mm)[0]
    return found
