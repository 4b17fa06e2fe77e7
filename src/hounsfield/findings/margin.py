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

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import ImageError, ShapeError
from hounsfield.findings.border import beyond_the_image_mm
from hounsfield.findings.box import box_of_lesion, require_mask
from hounsfield.findings.distances import Side, measure_distances
from hounsfield.findings.holes import filled
from hounsfield.findings.measure import diagonal_mm, is_cut

CLOSE_MM = (5.0, 10.0)
"""How much of the lesion's surface is closer than these is said of every structure."""

_NOTHING_MM = 0.05
"""Less is written as 0.0 mm."""

_LEAST_TOLD = 0.05
"""Of a volume in ml, or an area in mm²: less is written as 0.0."""

_MOST_TOUCHING = 0.5
"""Share of a lesion's surface that a structure touches which only lies beside it."""

_MOST_OUTSIDE = 0.5
"""Share of a lesion's voxels that are also those of a structure beside which it lies."""


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
    contact_area_with_holes: float
    """As `contact_area`, and what may touch the holes in the structure's mask that were filled."""
    closest: ClosestPair
    overlap: float
    """Share of the lesion's voxels that are the structure's too."""
    beyond_the_image_mm: float | None
    """The structure goes on beyond the image's border; what is not seen of it is no closer to the lesion than this.
    None where it ends in the image; 0 where the lesion reaches the border itself."""
    spread: Spread | None = None
    """Of the smallest distance, where several outlines of the lesion were given."""
    note: str = ""
    """A sentence on the structure's mask, where it may not be what was meant, or was changed."""
    lacks_lesion: bool = False
    """The structure touches most of the lesion's surface and does not hold it: it may be an organ from whose mask the
    lesion was taken out."""

    @property
    def lies(self) -> Side:
        """On which side of the structure's surface the lesion lies, wherever it was measured from."""
        return _side_of(self.overlap)

    @property
    def beyond(self) -> str:
        """What the border of the image may hide, a sentence without its stop; empty where that is nothing."""
        hidden = self.beyond_the_image_mm
        if hidden is None:
            return ""
        if hidden == 0.0:
            return f"lesion or {self.structure} go on beyond the border of the image, where they may be closer"
        return (
            f"{self.structure} goes on beyond the border of the image, {hidden:.1f} mm from the lesion, where it may "
            "be closer"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the distance, a sentence each."""
        hidden = self.beyond_the_image_mm
        closer = hidden is not None and hidden < self.minimum_mm
        return tuple(filter(None, (self.note, f"{self.beyond[:1].upper()}{self.beyond[1:]}." if closer else "")))

    @property
    def meets(self) -> bool:
        """Whether the surfaces meet: the smallest distance is written as 0.0 mm."""
        return self.minimum_mm < _NOTHING_MM


def measure_margin(
    lesion: BoolArray, structure: BoolArray, affine: FloatArray, *, name: str = "", side: Side | None = None
) -> Margin:
    """How far a lesion's surface is from a structure.

    Args:
        lesion: (depth, height, width).
        structure: On the same grid.
        affine: (4, 4), array index to LPS mm.
        name: Of the structure.
        side: From which it is measured; where not given from inside if more than half of the lesion lies in it.

    Raises:
        ShapeError: Not masks, or of different shapes.
        ImageError: One of them is empty, or the structure fills the image and has no surface in it.
    """
    for mask in (lesion, structure):
        require_mask(mask)
        if mask.shape != lesion.shape:
            raise ShapeError(f"{name or 'the structure'}: its mask has shape {mask.shape}, the lesion's {lesion.shape}")
    if not structure.any():
        raise ImageError(f"{name or 'the structure'}: its mask is empty, so there is no distance to it")
    share = _overlap(lesion, structure)
    side = side or _side_of(share)
    whole, holes = filled(structure) if side == "inside" else (structure, 0)
    found = measure_distances(lesion, whole, affine, side, name)
    plain = measure_distances(lesion, structure, affine, side, name) if holes else found
    changed = holes if np.any(plain.distances != found.distances) else 0
    touching = found.touching_share() if side == "outside" else 0.0
    closest = int(found.distances.argmin())
    diagonal = diagonal_mm(affine, planar=lesion.shape[0] == 1)
    shares = _percentiles(found.distances, found.surface.areas, range(0, 101, 5))
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
        contact_area=found.contact_area(diagonal),
        contact_area_as_drawn=found.drawn_area(),
        contact_area_with_holes=plain.contact_area(diagonal),
        closest=ClosestPair(
            _point(found.surface.points_mm[closest]), _point(found.goals_mm[closest]), float(found.distances[closest])
        ),
        overlap=share,
        beyond_the_image_mm=0.0 if is_cut(lesion) else beyond_the_image_mm(found.surface, whole, affine),
        note=_note(name or "the structure", touching, changed, affine, planar=lesion.shape[0] == 1),
        lacks_lesion=touching > _MOST_TOUCHING,
    )


def _note(name: str, touching: float, holes: int, affine: FloatArray, *, planar: bool) -> str:
    """What has to be known of a structure's mask.

    Args:
        name: Of the structure.
        touching: Share of the lesion's surface that touches it as drawn, where it does not hold the lesion.
        holes: Voxels that were filled, where that changed a distance.
        affine: (4, 4).
        planar: Whether the image is.
    """
    if holes:
        size = holes * float(np.prod(geometry.spacing_mm(affine)[1 if planar else 0 :])) / (1 if planar else 1000)
        told = f"{size:.1f}" if size >= _LEAST_TOLD else f"less than {2 * _LEAST_TOLD:g}"
        unit = "mm²" if planar else "ml"
        return f"Holes in the mask of {name}, {told} {unit}, were filled: the distance is to its outer surface."
    if touching > _MOST_TOUCHING:
        return (
            f"{name} touches {100 * touching:.0f} % of the lesion's surface and does not hold it: if the lesion was "
            f"taken out of the mask, give {name} together with the lesion for the distance to its surface."
        )
    return ""


def _side_of(overlap: float) -> Side:
    return "inside" if overlap > _MOST_OUTSIDE else "outside"


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
