"""`Distances`: how far each piece of a lesion's surface is from a structure, or from the surface of what it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError
from hounsfield.findings.box import Part, box_of_lesion
from hounsfield.findings.nearest import nearest
from hounsfield.findings.surface import Surface, around, closed_surface, surface_within

Side: TypeAlias = Literal["outside", "inside"]

_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, eq=False)
class Distances:
    """How far each of n pieces of a lesion's surface is from a structure."""

    surface: Surface
    distances: FloatArray
    """(n,), mm."""
    goals_mm: FloatArray
    """(n, 3), the structure's nearest points."""
    neighbours: BoolArray
    """(n,), where voxels of the two are neighbours or overlap."""
    own: int
    """The first so many are of the lesion's own surface, the others of a structure deep in it."""

    def touching_share(self) -> float:
        """Of the lesion's own surface, what touches as drawn."""
        areas = self.surface.areas[: self.own]
        return float(areas[self.neighbours[: self.own]].sum() / areas.sum())

    def closer_than(self, limit_mm: float) -> float:
        """Area that is closer, not as far."""
        return float(self.surface.areas[self.distances < limit_mm].sum())

    def drawn_area(self) -> float:
        """Where voxels of the two are neighbours or overlap."""
        return float(self.surface.areas[self.neighbours].sum())

    def contact_area(self, diagonal_mm: float) -> float:
        """That is no farther than one voxel's diagonal, or touches as drawn."""
        near = float(self.surface.areas[self.distances <= diagonal_mm * _ROUNDING].sum())
        return max(self.drawn_area(), near)

    def touching(self, more: Surface) -> Distances:
        """With more of the lesion's surface, where it touches the structure."""
        if not len(more.areas):
            return self
        return Distances(
            surface=Surface(
                np.concatenate([self.surface.cells, more.cells]),
                np.concatenate([self.surface.points_mm, more.points_mm]),
                np.concatenate([self.surface.areas, more.areas]),
            ),
            distances=np.concatenate([self.distances, np.zeros(len(more.areas))]),
            goals_mm=np.concatenate([self.goals_mm, more.points_mm]),
            neighbours=np.concatenate([self.neighbours, np.ones(len(more.areas), dtype=np.bool_)]),
            own=self.own,
        )


def measure_distances(lesion: BoolArray, structure: BoolArray, affine: FloatArray, side: Side, name: str) -> Distances:
    """Of every piece of the lesion's surface; 0 where it overlaps the structure, or breaks through it from inside, and
    all around what it holds of a structure beside it.

    Args:
        lesion: (depth, height, width).
        structure: On the same grid.
        affine: (4, 4), array index to LPS mm.
        side: From which it is measured.
        name: Of the structure.

    Raises:
        ImageError: There is no lesion, or the structure fills the image and has no surface in it.
    """
    part = box_of_lesion(lesion)
    surface = closed_surface(lesion, affine)
    found = nearest(surface, part, structure, affine)
    ours, there = around(lesion, surface.cells)
    theirs, _ = around(structure, surface.cells)
    if side == "inside":
        theirs = there & ~theirs
    crossed: BoolArray = np.any(ours & theirs, axis=1)
    if not np.isfinite(found.distances).all() and not crossed.all():
        raise ImageError(
            f"{name or 'the structure'}: it fills the image, so its surface is not seen and there is no distance to it"
        )
    apart = Distances(
        surface=surface,
        distances=np.where(crossed, 0.0, found.distances),
        goals_mm=np.where(crossed[:, None], surface.points_mm, found.points_mm),
        neighbours=np.any(theirs, axis=1),
        own=len(surface.areas),
    )
    return apart if side == "inside" else apart.touching(_held(lesion, structure, affine, part))


def _held(lesion: BoolArray, structure: BoolArray, affine: FloatArray, part: Part) -> Surface:
    """The structure's surface deep in the lesion, where no surface of the lesion is.

    Args:
        lesion: (depth, height, width).
        structure: On the same grid.
        affine: (4, 4), array index to LPS mm.
        part: The box around the lesion.
    """
    surface = surface_within(structure, affine, part)
    deep = around(lesion, surface.cells)[0].all(axis=1)
    return Surface(surface.cells[deep], surface.points_mm[deep], surface.areas[deep])
