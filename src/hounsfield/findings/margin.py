"""`Margin`: how far the surface of a lesion lies from a normal structure, or from the surface of what it lies in.

Distances are exact Euclidean ones, in mm, between the centres of the pieces of the two surfaces (`surface`), and
figures over the lesion's surface weigh each piece by its area. From a structure beside the lesion they are measured
from outside, and are 0 where the two overlap; what lies deep in the lesion, as a vessel that it has grown around, is
touched all around, as if it had been cut out of the lesion's mask. From one that holds more than half of the lesion, as
the body or the organ does, they are measured from inside to its outer surface, and are 0 where the lesion breaks
through it: holes in its mask, as lungs and gas leave them in a body, are filled first.

What touches: pieces that are not farther from the structure than one voxel's diagonal, which is as much as half a
voxel's diagonal in each of the two surfaces can hide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError, ShapeError
from hounsfield.findings.border import beyond_the_image_mm
from hounsfield.findings.box import Part, box_of_lesion, require_mask
from hounsfield.findings.holes import filled
from hounsfield.findings.measure import diagonal_mm, is_cut
from hounsfield.findings.nearest import nearest
from hounsfield.findings.surface import Surface, around, closed_surface, surface_within

Side = Literal["outside", "inside"]

CLOSE_MM = (5.0, 10.0)
"""How much of the lesion's surface is closer than these is said of every structure."""

_ROUNDING = 1 + 1e-9

_MOST_TOUCHING = 0.5
"""Share of a lesion's surface that a structure touches which only lies beside it."""


@dataclass(frozen=True)
class ClosestPair:
    """The two points at which a lesion and a structure are closest, in the patient, LPS mm."""

    lesion_mm: tuple[float, ...]
    structure_mm: tuple[float, ...]
    distance_mm: float


@dataclass(frozen=True)
class Spread:
    """The smallest distance of each of several outlines of one lesion."""

    distances_mm: tuple[float, ...]

    @property
    def low(self) -> float:
        """The smallest."""
        return min(self.distances_mm)

    @property
    def high(self) -> float:
        """The largest."""
        return max(self.distances_mm)


@dataclass(frozen=True)
class Margin:
    """Distances from a lesion's surface to a structure."""

    structure: str
    side: Side
    """"inside" where the lesion lies in the structure, and the distances are from inside to its surface."""
    minimum_mm: float
    percentile_5_mm: float
    """That 5 % of the lesion's surface do not exceed."""
    median_mm: float
    distribution_mm: tuple[float, ...]
    """(21,), the distances that 0, 5, 10 … 100 % of the lesion's surface do not exceed."""
    uncertainty_mm: float
    """± of a distance: half a voxel's diagonal for each of the two surfaces. A bound, not a standard deviation."""
    area_unit: Literal["mm2", "mm"]
    """mm where the image is planar, in which a surface is an outline."""
    area: float
    """Of the lesion's whole surface, and of that of the structure deep in it."""
    area_closer_than_5_mm: float
    area_closer_than_10_mm: float
    contact_area: float
    """Of the lesion's surface that is not farther than one voxel's diagonal: the most that may touch."""
    contact_area_as_drawn: float
    """Of that where voxels of lesion and structure are neighbours or overlap."""
    closest: ClosestPair
    overlap: float
    """Share of the lesion's voxels that are the structure's too."""
    beyond_the_image_mm: float | None
    """The structure goes on beyond the image's border; what is not seen of it is no closer to the lesion than this.
    None where it ends in the image; 0 where the lesion reaches the border itself."""
    spread: Spread | None
    """Of the smallest distance, where several outlines of the lesion were given."""
    note: str = ""
    """Sentences on the structure's mask, where it may not be what was meant, or was changed."""


def measure_margin(
    lesion: BoolArray,
    structure: BoolArray,
    affine: FloatArray,
    *,
    name: str = "",
    outlines: Sequence[BoolArray] = (),
) -> Margin:
    """How far a lesion's surface is from a structure.

    Args:
        lesion: (depth, height, width).
        structure: On the same grid.
        affine: (4, 4), array index to LPS mm.
        name: Of the structure.
        outlines: Other outlines of the same lesion, by the members of an ensemble or by other people.

    Raises:
        ShapeError: Not masks, or of different shapes.
        ImageError: One of them is empty, or the structure fills the image and has no surface in it.
    """
    for mask in (lesion, structure, *outlines):
        require_mask(mask)
        if mask.shape != lesion.shape:
            raise ShapeError(f"{name or 'the structure'}: its mask has shape {mask.shape}, the lesion's {lesion.shape}")
    if not structure.any():
        raise ImageError(f"{name or 'the structure'}: its mask is empty, so there is no distance to it")
    share = _overlap(lesion, structure)
    side: Side = "inside" if share > 0.5 else "outside"
    holes = 0
    if side == "inside":
        structure, holes = filled(structure)
    found = _distances(lesion, structure, affine, side, name)
    closest = int(found.distances.argmin())
    diagonal = diagonal_mm(affine, planar=lesion.shape[0] == 1)
    shares = _percentiles(found.distances, found.surface.areas, range(0, 101, 5))
    drawn = float(found.surface.areas[found.neighbours].sum())
    others = tuple(float(_distances(one, structure, affine, side, name).distances.min()) for one in outlines)
    return Margin(
        structure=name,
        side=side,
        minimum_mm=float(found.distances[closest]),
        percentile_5_mm=shares[1],
        median_mm=shares[10],
        distribution_mm=shares,
        uncertainty_mm=diagonal,
        area_unit="mm" if lesion.shape[0] == 1 else "mm2",
        area=found.surface.area,
        area_closer_than_5_mm=found.closer_than(CLOSE_MM[0]),
        area_closer_than_10_mm=found.closer_than(CLOSE_MM[1]),
        contact_area=max(drawn, float(found.surface.areas[found.distances <= diagonal * _ROUNDING].sum())),
        contact_area_as_drawn=drawn,
        closest=ClosestPair(
            _point(found.surface.points_mm[closest]), _point(found.goals_mm[closest]), float(found.distances[closest])
        ),
        overlap=share,
        beyond_the_image_mm=0.0 if is_cut(lesion) else beyond_the_image_mm(found.surface, structure, affine),
        spread=Spread((float(found.distances[closest]), *others)) if outlines else None,
        note=_note(name or "the structure", side, found.touching_share(), holes, affine),
    )


def _note(name: str, side: Side, touching: float, holes: int, affine: FloatArray) -> str:
    """What has to be known of a structure's mask.

    Args:
        name: Of the structure.
        side: From which it was measured.
        touching: Share of the lesion's surface that touches it as drawn.
        holes: Voxels that were filled.
        affine: (4, 4).
    """
    if holes:
        size = holes * abs(float(np.linalg.det(affine[:3, :3]))) / 1000
        return f"Holes in the mask of {name}, {size:.1f} ml, were filled: the distance is to its outer surface."
    if side == "outside" and touching > _MOST_TOUCHING:
        return (
            f"{name} touches {100 * touching:.0f} % of the lesion's surface and does not hold it: if the lesion was "
            f"taken out of the mask, join both (--structure {name}=MASK:1+2) for the distance to the surface of {name}."
        )
    return ""


@dataclass(frozen=True, eq=False)
class _Distances:
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
        return float(self.surface.areas[self.distances < limit_mm].sum())

    def touching(self, more: Surface) -> _Distances:
        """With more of the lesion's surface, where it touches the structure."""
        if not len(more.areas):
            return self
        return _Distances(
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


def _distances(lesion: BoolArray, structure: BoolArray, affine: FloatArray, side: Side, name: str) -> _Distances:
    """Of every piece of the lesion's surface; 0 where it overlaps the structure, or breaks through it from inside, and
    all around what it holds of a structure beside it."""
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
    apart = _Distances(
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


def _overlap(lesion: BoolArray, structure: BoolArray) -> float:
    part = box_of_lesion(lesion)
    return float(structure[part][lesion[part]].mean())


def _percentiles(distances: FloatArray, areas: FloatArray, percents: Iterable[float]) -> tuple[float, ...]:
    """The distances that so many percent of the area do not exceed."""
    order = np.argsort(distances, kind="stable")
    sums = np.cumsum(areas[order])
    places = [min(int(np.searchsorted(sums, sums[-1] * percent / 100)), len(sums) - 1) for percent in percents]
    return tuple(float(value) for value in distances[order][places])


def _point(point: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in point)
