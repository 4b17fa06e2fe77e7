"""`Box`, `Point`: where in an image something lies; `PlacedBox`: where in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray


@dataclass(frozen=True)
class Box:
    """A rectangle in the array of a planar image, or a cuboid in that of a volume, in pixels of the image as stored.

    Pixel (0, 0) covers 0 ≤ x < 1, 0 ≤ y < 1; x grows with the width index, y with the height index, z with the depth
    index, and x1, y1, z1 are exclusive, so that the width is x1 - x0. A planar image is one pixel deep.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""
    """The class of what is inside, empty when unknown."""
    z0: float = 0.0
    z1: float = 1.0
    attributes: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What else is known of what is inside, by name, such as its margin; results are shown by them. Two boxes in one
    place with one label are one, whatever is known of them."""

    @property
    def width(self) -> float:
        """Pixels along x."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels along y."""
        return self.y1 - self.y0

    @property
    def depth(self) -> float:
        """Pixels along z."""
        return self.z1 - self.z0

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def within(self, shape: tuple[int, int, int]) -> Box | None:
        """The part of it that lies on an image of `shape` (depth, height, width); None where nothing does."""
        depth, height, width = shape
        x0, y0, z0 = max(0.0, self.x0), max(0.0, self.y0), max(0.0, self.z0)
        x1, y1, z1 = min(width, self.x1), min(height, self.y1), min(depth, self.z1)
        if x1 <= x0 or y1 <= y0 or z1 <= z0:
            return None
        return replace(self, x0=x0, y0=y0, z0=z0, x1=x1, y1=y1, z1=z1)

    def placed(self, affine: FloatArray) -> PlacedBox:
        """Where it lies in the patient.

        Args:
            affine: (4, 4), of the image whose pixels it counts.
        """
        first = np.array([[self.z0, self.y0, self.x0]]) - 0.5  # an index counts from the centre of pixel 0
        edges = affine[:3, :3] * np.array([self.depth, self.height, self.width])
        corner = geometry.world_from_index(affine, first)[0]
        return PlacedBox(_numbers(corner), tuple(_numbers(edge) for edge in edges.T), self)


@dataclass(frozen=True)
class PlacedBox:
    """A box in the patient, in LPS millimetres: on another grid of the same image it is found again.

    Cropped, mirrored, turned by quarters or resampled grids give the same box back without loss; on a grid whose axes
    are not parallel to its own it is the smallest box that holds it.
    """

    corner_mm: tuple[float, ...]
    """(3,), the corner that is first in depth, height and width."""
    edges_mm: tuple[tuple[float, ...], ...]
    """The three edges from there, (3, 3), along depth, height and width."""
    said: Box
    """Label and attributes."""

    @property
    def middle_mm(self) -> tuple[float, ...]:
        """(3,), its middle."""
        return _numbers(np.asarray(self.corner_mm) + np.sum(self.edges_mm, axis=0) / 2)

    def on(self, affine: FloatArray) -> Box:
        """The box in pixels of an image with this affine."""
        steps = np.array([[d, h, w] for d in (0, 1) for h in (0, 1) for w in (0, 1)], dtype=np.float64)
        world = np.asarray(self.corner_mm) + steps @ np.asarray(self.edges_mm)
        index = geometry.index_from_world(affine, world) + 0.5
        (z0, y0, x0), (z1, y1, x1) = index.min(axis=0).tolist(), index.max(axis=0).tolist()
        return replace(self.said, x0=x0, y0=y0, x1=x1, y1=y1, z0=z0, z1=z1)


@dataclass(frozen=True)
class Point:
    """A place in the array of an image, in pixels as for `Box`: the centre of pixel (0, 0) is (0.5, 0.5)."""

    x: float
    y: float
    z: float = 0.5
    label: str = ""
    """What it marks."""

    def position_mm(self, affine: FloatArray) -> tuple[float, ...]:
        """(3,), where it lies in the patient, LPS, by the affine (4, 4) of its image."""
        return _numbers(geometry.world_from_index(affine, np.array([[self.z, self.y, self.x]]) - 0.5)[0])


def point_on(position_mm: tuple[float, ...], affine: FloatArray, *, label: str = "") -> Point:
    """The point of an image with this affine that lies at an LPS position (3,) in mm."""
    index = geometry.index_from_world(affine, np.asarray(position_mm)[None])[0] + 0.5
    z, y, x = index.tolist()
    return Point(x, y, z, label)


def _numbers(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
