"""Convex solids in patient space (LPS, mm), of which everything in the phantom of volumes is made.

Each knows two things: how far a point lies from its surface, which draws it, and its support points, which measure it.
The support point of a convex solid in a direction is its point that lies furthest there.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from hounsfield.arrays import FloatArray

_TINY = 1e-12


def vector(*numbers: float) -> FloatArray:
    """(n,) float64."""
    return np.array(numbers, dtype=np.float64)


def unit(vectors: FloatArray) -> FloatArray:
    """Vectors, (..., 3), none of them zero, drawn to length 1."""
    return np.asarray(vectors / np.sqrt(np.sum(vectors * vectors, axis=-1, keepdims=True)))


class Shape(ABC):
    """Something that can be drawn."""

    @abstractmethod
    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """Distance to the surface in mm, negative inside: its sign is exact, its value exact or to first order.

        Args:
            x: LPS coordinates of points, as y and z of shapes that broadcast against each other.
            y: To the back.
            z: To the head.
        """

    @property
    @abstractmethod
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest x, y and z, (3,) each."""

    def holds(self, point: FloatArray) -> bool:
        """Whether a point, (3,), lies inside or on the surface."""
        x, y, z = (np.asarray(value) for value in point)
        return bool(self.signed(x, y, z) <= 0)


class Solid(Shape):
    """A convex body, which can be measured too."""

    @abstractmethod
    def support(self, directions: FloatArray) -> FloatArray:
        """The points, (..., 3), of the solid that lie furthest along `directions`, (..., 3), none of them zero."""

    def core(self, direction: FloatArray) -> FloatArray:
        """The support point, (3,), of the solid without its `margin`."""
        return self.support(direction)

    @property
    def margin(self) -> float:
        """Of a core with all that lies within a distance of it: this distance, in mm."""
        return 0.0

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """As in `Shape`."""
        axes = np.eye(3)
        return np.diag(self.support(-axes)).copy(), np.diag(self.support(axes)).copy()


@dataclass(frozen=True, eq=False)
class Capsule(Solid):
    """All points within a radius of a line; its signed distance is exact. With both ends in one point it is a ball."""

    start: FloatArray
    end: FloatArray
    radius: float

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`; exact."""
        axis = self.end - self.start
        px, py, pz = x - self.start[0], y - self.start[1], z - self.start[2]
        squared = float(axis @ axis)
        if squared > 0:
            along = np.clip((px * axis[0] + py * axis[1] + pz * axis[2]) / squared, 0, 1)
            px, py, pz = px - along * axis[0], py - along * axis[1], pz - along * axis[2]
        return np.asarray(np.sqrt(px * px + py * py + pz * pz) - self.radius)

    def support(self, directions: FloatArray) -> FloatArray:
        """As in `Solid`."""
        ahead = (directions @ (self.end - self.start) > 0)[..., np.newaxis]
        return np.asarray(np.where(ahead, self.end, self.start) + self.radius * unit(directions))

    def core(self, direction: FloatArray) -> FloatArray:
        """One of its ends."""
        return self.end if direction @ (self.end - self.start) > 0 else self.start

    @property
    def margin(self) -> float:
        """Its radius."""
        return self.radius


def ball(center: FloatArray, radius: float) -> Capsule:
    """A ball: a capsule without length."""
    return Capsule(center, center, radius)


@dataclass(frozen=True, eq=False)
class Ellipsoid(Solid):
    """An ellipsoid, turned any way."""

    center: FloatArray
    semi_axes: FloatArray
    """(3,) in mm."""
    rotation: FloatArray
    """(3, 3), its columns are the unit vectors of the axes."""

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`; zero is exact, the distance near it to first order."""
        offsets = x - self.center[0], y - self.center[1], z - self.center[2]
        level, slope = np.float64(0.0), np.float64(0.0)
        for axis, semi in zip(self.rotation.T, self.semi_axes, strict=True):
            part = (offsets[0] * axis[0] + offsets[1] * axis[1] + offsets[2] * axis[2]) / semi
            level = level + part**2
            slope = slope + (part / semi) ** 2
        level = np.sqrt(level)
        middle = -float(self.semi_axes.min())
        return np.asarray(np.maximum(level * (level - 1) / (np.sqrt(slope) + _TINY), middle) + middle * (level == 0))

    def support(self, directions: FloatArray) -> FloatArray:
        """As in `Solid`."""
        local = unit((directions @ self.rotation) * self.semi_axes)
        return np.asarray(self.center + (local * self.semi_axes) @ self.rotation.T)

    def scaled(self, factor: float) -> Ellipsoid:
        """The same around its centre, larger or smaller."""
        return Ellipsoid(self.center, self.semi_axes * factor, self.rotation)

    def grown(self, by_mm: float) -> Ellipsoid:
        """With semi-axes longer by so many mm, or shorter."""
        return Ellipsoid(self.center, self.semi_axes + by_mm, self.rotation)

    def moved(self, by_mm: FloatArray) -> Ellipsoid:
        """The same elsewhere."""
        return Ellipsoid(self.center + by_mm, self.semi_axes, self.rotation)


@dataclass(frozen=True, eq=False)
class Lobe(Solid):
    """The convex hull of an ellipsoid and a smaller one of the same form: a wedge with round ends, as a liver is."""

    thick: Ellipsoid
    tip: FloatArray
    """Centre of the smaller ellipsoid."""
    taper: float
    """Size of the smaller one, as a part of the other, 0 to 1."""

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`; zero is exact, the distance near it to first order.

        In the space where the ellipsoids are balls: the nearest of the balls that lie between them, whose centre moves
        along the axis while its radius shrinks.
        """
        turn, semi = self.thick.rotation, self.thick.semi_axes
        offsets = x - self.thick.center[0], y - self.thick.center[1], z - self.thick.center[2]
        u, v, w = (sum(offset * turn[i, k] for i, offset in enumerate(offsets)) / semi[k] for k in range(3))
        axis = ((self.tip - self.thick.center) @ turn) / semi
        length = float(np.linalg.norm(axis))
        axis = axis / length
        along = u * axis[0] + v * axis[1] + w * axis[2]
        aside = np.sqrt(np.maximum(u * u + v * v + w * w - along * along, 0))
        lean = (1 - self.taper) / length
        place = np.clip((along - aside * lean / math.sqrt(1 - lean * lean)) / length, 0, 1)
        step = place * length
        p, q, r = u - step * axis[0], v - step * axis[1], w - step * axis[2]
        norm = np.sqrt(p * p + q * q + r * r) + _TINY
        slope = np.sqrt((p / semi[0]) ** 2 + (q / semi[1]) ** 2 + (r / semi[2]) ** 2) / norm + _TINY
        return np.asarray((norm - (1 - (1 - self.taper) * place)) / slope)

    def support(self, directions: FloatArray) -> FloatArray:
        """As in `Solid`."""
        reach = self.thick.support(directions) - self.thick.center
        ends = self.thick.center + reach, self.tip + self.taper * reach
        far = np.sum((ends[1] - ends[0]) * directions, axis=-1, keepdims=True) > 0
        return np.asarray(np.where(far, ends[1], ends[0]))

    def ridge(self, angles: FloatArray) -> FloatArray:
        """The directions, (..., 3), in which both ends reach equally far: once around the axis, in radians."""
        turn, semi = self.thick.rotation, self.thick.semi_axes
        axis = ((self.tip - self.thick.center) @ turn) / semi
        length = float(np.linalg.norm(axis))
        axis, lean = axis / length, (1 - self.taper) / length
        first = unit(np.cross(axis, np.eye(3)[int(np.abs(axis).argmin())]))
        around = np.cos(angles)[..., np.newaxis] * first + np.sin(angles)[..., np.newaxis] * np.cross(axis, first)
        return unit(((lean * axis + math.sqrt(1 - lean * lean) * around) / semi) @ turn.T)


@dataclass(frozen=True, eq=False)
class Drum(Solid):
    """An upright cylinder with an elliptic cross section: a vertebral body, or the disc between two."""

    center: FloatArray
    semi_x: float
    semi_y: float
    half_height: float

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`; zero is exact, the distance near a face or the side to first order."""
        u, v = (x - self.center[0]) / self.semi_x, (y - self.center[1]) / self.semi_y
        level = np.sqrt(u * u + v * v)
        slope = np.sqrt((u / self.semi_x) ** 2 + (v / self.semi_y) ** 2) + _TINY
        side = np.maximum(level * (level - 1) / slope, -min(self.semi_x, self.semi_y))
        return np.asarray(np.maximum(side, np.abs(z - self.center[2]) - self.half_height))

    def support(self, directions: FloatArray) -> FloatArray:
        """As in `Solid`."""
        flat = directions[..., :2] * vector(self.semi_x, self.semi_y)
        norm = np.linalg.norm(flat, axis=-1, keepdims=True) + _TINY
        across = flat / norm * vector(self.semi_x, self.semi_y)
        up = np.where(directions[..., 2:] >= 0, self.half_height, -self.half_height)
        return np.asarray(self.center + np.concatenate([across, up], axis=-1))


@dataclass(frozen=True, eq=False)
class Trunk(Solid):
    """An upright cylinder without ends, whose cross section is a superellipse: |x / a|^n + |y / b|^n = 1."""

    semi_x: float
    semi_y: float
    exponent: float
    """n, above 1: 2 gives an ellipse, more a rounded rectangle."""
    center_y: float = 0.0

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`; zero is exact, the distance near it to first order."""
        n = self.exponent
        u, v = np.abs(x) / self.semi_x, np.abs(y - self.center_y) / self.semi_y
        level = (u**n + v**n) ** (1 / n)
        slope = np.hypot(u ** (n - 1) / self.semi_x, v ** (n - 1) / self.semi_y) / (level + _TINY) ** (n - 1)
        return np.asarray(np.maximum((level - 1) / (slope + _TINY), -min(self.semi_x, self.semi_y)))

    def support(self, directions: FloatArray) -> FloatArray:
        """As in `Solid`, for directions across the axis; the points lie at z = 0.

        The support function is the dual norm, with the exponent q of 1 / n + 1 / q = 1.
        """
        q = self.exponent / (self.exponent - 1)
        u, v = self.semi_x * np.abs(directions[..., 0]), self.semi_y * np.abs(directions[..., 1])
        reach = (u**q + v**q) ** (1 / q)
        x = self.semi_x * np.sign(directions[..., 0]) * (u / reach) ** (q - 1)
        y = self.semi_y * np.sign(directions[..., 1]) * (v / reach) ** (q - 1) + self.center_y
        return np.stack([x, y, np.zeros_like(x)], axis=-1)

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """As in `Shape`; without end along z."""
        low, high = self.center_y - self.semi_y, self.center_y + self.semi_y
        return vector(-self.semi_x, low, -math.inf), vector(self.semi_x, high, math.inf)

    def shrunk(self, by_mm: float) -> Trunk:
        """With semi-axes shorter by so many mm."""
        return Trunk(self.semi_x - by_mm, self.semi_y - by_mm, self.exponent, self.center_y)


@dataclass(frozen=True, eq=False)
class Cut(Shape):
    """The part of a solid on one side of a plane, to be drawn: a lung above its base, the gas over a fluid."""

    solid: Solid
    axis: Literal[0, 1, 2]
    """Of x, y, z."""
    low: float = -math.inf
    """What lies below this is cut off."""
    high: float = math.inf

    def signed(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        """As in `Shape`."""
        along = (x, y, z)[self.axis]
        level = self.solid.signed(x, y, z)
        return np.asarray(np.maximum(np.maximum(level, self.low - along), along - self.high))

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """As in `Shape`."""
        low, high = (edge.copy() for edge in self.solid.bounds)
        low[self.axis], high[self.axis] = max(low[self.axis], self.low), min(high[self.axis], self.high)
        return low, high
