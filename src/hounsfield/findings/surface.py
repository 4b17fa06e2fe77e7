"""`Surface`: the pieces of a mask's surface, where in the patient each lies and how large it is.

The surface passes half-way between the centre of a voxel inside and that of a neighbour outside. A piece stands for the
2 × 2 × 2 voxels around it, so that its centre evens out the staircase of voxels: of spheres drawn on a grid it lies
closer to the truth than voxels' centres, corners or faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.findings.box import Part, bounding_box, require_mask
from hounsfield.findings.surface_pieces import cell_codes, pieces


@dataclass(frozen=True, eq=False)
class Surface:
    """Pieces of a mask's surface."""

    cells: IntArray
    """(n, 3), the first of the 2 × 2 × 2 voxels around each piece, (d, h, w) in the image; -1 lies before its
    border."""
    points_mm: FloatArray
    """(n, 3), centre of each piece in the patient, LPS."""
    areas: FloatArray
    """(n,), mm²; mm where the mask is planar."""

    @property
    def area(self) -> float:
        """Of the whole surface, mm² (mm where the mask is planar)."""
        return float(self.areas.sum())


def closed_surface(mask: BoolArray, affine: FloatArray) -> Surface:
    """The whole surface; what lies beyond the image counts as outside.

    Args:
        mask: (depth, height, width); depth 1 is planar: it has an outline, and no faces towards other slices.
        affine: (4, 4), array index to LPS mm.

    Raises:
        ShapeError: Not a mask.
    """
    require_mask(mask)
    box = bounding_box(mask)
    if box is None:
        return Surface(np.zeros((0, 3), np.intp), np.zeros((0, 3)), np.zeros(0))
    edge = (0 if mask.shape[0] == 1 else 1, 1, 1)
    padded = np.pad(mask[box], [(one, one) for one in edge])
    start = np.array([side.start - one for side, one in zip(box, edge, strict=True)], dtype=np.intp)
    return _surface(padded, start, affine)


def surface_within(mask: BoolArray, affine: FloatArray, part: Part) -> Surface:
    """The surface in a part of the image; where the structure leaves that part it has none.

    Args:
        mask: (depth, height, width), of the whole image.
        affine: (4, 4), of the whole image.
        part: What is looked at.
    """
    return _surface(np.ascontiguousarray(mask[part]), np.array([side.start for side in part]), affine)


def around(mask: BoolArray, cells: IntArray) -> tuple[BoolArray, BoolArray]:
    """The voxels around each piece, (n, 8): which are inside the mask, and which lie in the image at all.

    Args:
        mask: (depth, height, width).
        cells: (n, 3), of a surface on the same grid; of a planar one the voxels come twice.
    """
    steps = np.array([[d, h, w] for d in (0, 1) for h in (0, 1) for w in (0, 1)])
    places = cells[:, None] + (steps * [0 if mask.shape[0] == 1 else 1, 1, 1])
    there = ((places >= 0) & (places < mask.shape)).all(axis=2)
    places = np.clip(places, 0, np.array(mask.shape) - 1)
    return mask[places[..., 0], places[..., 1], places[..., 2]] & there, there


def _surface(mask: BoolArray, start: IntArray, affine: FloatArray) -> Surface:
    planar = mask.shape[0] == 1
    sizes = geometry.spacing_mm(affine)
    codes = cell_codes(mask[0] if planar else mask)
    cells = np.argwhere((codes != 0) & (codes != 2 ** (2**codes.ndim) - 1))
    centres, areas = (table[codes[tuple(cells.T)]] for table in pieces(sizes[1:] if planar else sizes))
    if planar:
        cells, centres = np.insert(cells, 0, 0, axis=1), np.insert(centres, 0, 0, axis=2)
    which, number = np.nonzero(areas)
    cells = cells + start
    index = cells[which] + centres[which, number]
    return Surface(cells[which], geometry.world_from_index(affine, index), areas[which, number])
