"""`Finding`: one thing seen in an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hounsfield.arrays import FloatArray
from hounsfield.findings.region import Box, Point


@dataclass(frozen=True)
class Finding:
    """One thing seen, where it lies and how sure the reader is."""

    label: str
    probability: float
    """That it is there, of whatever kind, in [0, 1]; calibrated only if the reading says so. 1 for a landmark, which is
    taken to be there, and for a label that was outlined."""
    box: Box | None = None
    """Pixels of the image as stored."""
    point: Point | None = None
    """Of a landmark, where it lies: pixels of the image as stored."""
    radius: float = 0.0
    """Within which a landmark lies as often as the reading's `coverage` says, in `radius_unit`; 0 where nothing is
    promised."""
    radius_unit: str = ""
    """"mm", or "pixels" of the image as stored where it does not know how large they are; empty without a radius."""
    path: tuple[Point, ...] = ()
    """Where an agent walked to the landmark, from its first place to its last."""
    size: float = 0.0
    """Of a label that was outlined, its volume or area in `size_unit`; 0 of others."""
    size_unit: str = ""
    """"ml", or "cm²" of a flat image; "voxels" or "pixels" where it does not know how large they are."""
    instances: int | None = None
    """Objects of the label, where each was outlined by itself; None where not. `size` is that of all together."""
    median_size: float = 0.0
    """Of these objects, in `size_unit`."""
    sides: tuple[float, ...] = ()
    """Of a lesion that was found, how long its box is along x and y, and z in volumes, in `sides_unit`."""
    sides_unit: str = ""
    """"mm", or "pixels" of the image as stored where it does not know how large they are; empty without sides."""
    by_kind: tuple[tuple[str, float], ...] = ()
    """Of several kinds that it may be, each with its share of the probability; the label is the likeliest."""
    position_mm: tuple[float, ...] = ()
    """(3,), where the landmark or the middle of the box lies in the patient, LPS; empty where that is not known."""
    edges_mm: tuple[tuple[float, ...], ...] = ()
    """Of a box whose position is known, its edges along the depth, height and width of the image, (3, 3) LPS."""

    def placed(self, affine: FloatArray) -> Finding:
        """With its place in the patient.

        Args:
            affine: (4, 4), array index to LPS mm, of the image as stored.
        """
        if self.point is not None:
            return replace(self, position_mm=self.point.position_mm(affine))
        if self.box is None:
            return self
        place = self.box.placed(affine)
        return replace(self, position_mm=place.middle_mm, edges_mm=place.edges_mm)
