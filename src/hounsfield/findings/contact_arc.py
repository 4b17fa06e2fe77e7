"""`ContactArc`: how much of the circumference of a vessel, or of another tube, a lesion touches.

In each slice the outer outline of the structure is looked at, every connected part on its own and without its holes,
which a vessel has of which the wall alone was drawn: the share of its length that is not farther from the lesion than
one pixel's diagonal, times 360 degrees; outline inside the lesion touches it. It is given for the slice and the part
where it is largest. Said of a structure that runs through the slices; of one that runs along them a slice shows no
cross-section.

Whether a tumour of the pancreas can be resected is decided by such an arc: up to 180 degrees is abutment, more is
encasement.

Reference:
    Al-Hawary et al., "Pancreatic ductal adenocarcinoma radiology reporting template: consensus statement of the Society
    of Abdominal Radiology and the American Pancreatic Association" (2014), doi:10.1148/radiol.13131184.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import box_of_lesion, grown, require_mask
from hounsfield.findings.measure import diagonal_mm
from hounsfield.findings.surface import Surface, around, closed_surface


@dataclass(frozen=True)
class ContactArc:
    """How much of a structure's circumference a lesion touches."""

    degrees: float
    """Not farther than one pixel's diagonal: the most that may touch."""
    degrees_as_drawn: float
    """Of that where pixels of the two are neighbours or overlap, in the slice where this is largest."""
    slice_index: int
    """Depth index of the slice where `degrees` is largest; the slice nearest to the lesion's middle where it is 0."""
    cut: bool
    """Whether a part that the lesion may touch reaches the border of a slice, so that its circumference is not
    known."""
    within: bool
    """Whether the lesion reaches into a hole of a part, as into a vessel of which the wall was drawn: what it touches
    there is no circumference."""


def measure_contact_arc(lesion: BoolArray, structure: BoolArray, affine: FloatArray) -> ContactArc:
    """The largest arc of a structure's circumference, over all slices, that a lesion touches.

    Args:
        lesion: (depth, height, width).
        structure: On the same grid.
        affine: (4, 4), array index to LPS mm.

    Raises:
        ShapeError: Not masks.
        ImageError: There is no lesion.
    """
    require_mask(lesion)
    require_mask(structure)
    box = box_of_lesion(lesion)
    touch = diagonal_mm(affine, planar=True)
    best, drawn, cut, within = 0.0, 0.0, False, False
    chosen = (box[0].start + box[0].stop) // 2
    _, rows, columns = grown(box, lesion.shape, 2 * touch, geometry.spacing_mm(affine))
    for depth in range(box[0].start, box[0].stop):
        if not structure[depth, rows, columns].any() or not lesion[depth].any():
            continue
        for whole, part in whole_parts(structure[depth]):
            degrees, seen = _arc(lesion[depth], whole, affine)
            at_border = bool(part[[0, -1]].any() or part[:, [0, -1]].any())
            cut |= at_border and degrees > 0
            within |= bool((lesion[depth] & whole & ~part).any())
            drawn = max(drawn, seen)
            if degrees > best:
                best, chosen = degrees, depth
    return ContactArc(best, drawn, chosen, cut, within)


def whole_parts(structure: BoolArray) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Each connected part of a structure in one slice (height, width), without its holes and as drawn."""
    from scipy import ndimage

    parts, count = ndimage.label(structure, np.ones((3, 3)))
    for number in range(1, count + 1):
        part = parts == number
        yield ndimage.binary_fill_holes(part), part


def touching_outline(lesion: BoolArray, part: BoolArray, affine: FloatArray) -> tuple[Surface, BoolArray, BoolArray]:
    """The outline of a part of a structure in one slice, and which of its pieces touch the lesion.

    Args:
        lesion: (height, width).
        part: (height, width), not empty.
        affine: (4, 4); the slice is taken to be the first one.

    Returns:
        The outline; (n,), which pieces are within one pixel's diagonal of the lesion or inside it; (n,), which of them
        have a pixel of the lesion beside them.
    """
    from scipy.spatial import cKDTree

    outline = closed_surface(part[None], affine)
    other = closed_surface(lesion[None], affine)
    ours, _ = around(part[None], outline.cells)
    theirs, _ = around(lesion[None], outline.cells)
    touch = diagonal_mm(affine, planar=True)
    near = cKDTree(other.points_mm).query(outline.points_mm, distance_upper_bound=touch * (1 + 1e-9))[0] <= touch
    drawn: BoolArray = np.any(theirs, axis=1)
    return outline, near | np.any(ours & theirs, axis=1) | drawn, drawn


def _arc(lesion: BoolArray, part: BoolArray, affine: FloatArray) -> tuple[float, float]:
    """Degrees of a part's circumference that may touch, and degrees that touch as drawn."""
    outline, touching, drawn = touching_outline(lesion, part, affine)
    touched, seen = (float(outline.areas[which].sum() / outline.area) for which in (touching, drawn))
    return 360 * touched, 360 * seen
