"""How near to a lesion a structure may be that goes on beyond the image's border, where nobody sees it."""

from __future__ import annotations

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.surface import Surface


def beyond_the_image_mm(lesion: Surface, structure: BoolArray, affine: FloatArray) -> float | None:
    """Smallest distance, in mm, from a lesion's surface to a border of the image that a structure crosses.

    Args:
        lesion: Its surface.
        structure: (depth, height, width).
        affine: (4, 4), array index to LPS mm.

    Returns:
        None where the structure reaches no border. Along an axis with one voxel only there is none.
    """
    index = geometry.index_from_world(affine, lesion.points_mm)
    found = []
    for axis, (length, spacing) in enumerate(zip(structure.shape, geometry.spacing_mm(affine), strict=True)):
        if length == 1:
            continue
        if structure.take(0, axis=axis).any():
            found.append(float((index[:, axis].min() + 0.5) * spacing))
        if structure.take(length - 1, axis=axis).any():
            found.append(float((length - 0.5 - index[:, axis].max()) * spacing))
    return float(np.clip(min(found), 0, None)) if found else None
