"""Closed contours of one plane filled on a grid of pixels, and what their owner should know of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.formats.polygon import inside_polygons


@dataclass(frozen=True, eq=False)
class Contour:
    """A closed contour."""

    corners: FloatArray
    """(n, 2), (h, w) on the grid, pixel centres at whole numbers."""
    exclusive: bool = False
    """Whether it is meant to be combined with the others of its plane by exclusive or (CLOSEDPLANAR_XOR)."""


@dataclass(frozen=True, eq=False)
class Filled:
    """Contours filled by the even-odd rule."""

    inside: BoolArray
    """(height, width)."""
    repeated: int
    """Contours that are there once more, and count once."""
    centreless: int
    """Contours that lie on the grid and hold no pixel's centre."""
    crossing: int
    """Pairs that overlap without one being within the other: what both hold is outside."""


@dataclass(frozen=True, eq=False)
class _Footprint:
    """The pixels of the grid in a contour."""

    low: tuple[int, int]
    high: tuple[int, int]
    """First pixel of its box, (h, w), and the one past its last."""
    inside: BoolArray
    """Of the box."""

    def part(self, low: Sequence[int], high: Sequence[int]) -> BoolArray:
        """Those in a box that lies within its own."""
        (h0, w0), (h1, w1) = np.subtract(low, self.low).tolist(), np.subtract(high, self.low).tolist()
        return self.inside[h0:h1, w0:w1]


def fill(contours: Sequence[Contour], shape: tuple[int, int]) -> Filled:
    """Fill the contours of a plane; one within another is a hole, and one that is stored twice counts once.

    Args:
        contours: Of one structure.
        shape: (height, width) of the grid; what reaches beyond is cut.
    """
    once = {(_key(own), index if own.exclusive else -1): own for index, own in enumerate(contours)}
    inside: BoolArray = np.zeros(shape, dtype=np.bool_)
    placed = [(own, _footprint(own.corners, shape)) for own in once.values()]
    found = [(own, footprint) for own, footprint in placed if footprint is not None]
    for _, own in found:
        inside[own.low[0] : own.high[0], own.low[1] : own.high[1]] ^= own.inside
    plain = [own for contour, own in found if not contour.exclusive and own.inside.any()]
    return Filled(
        inside,
        repeated=len(contours) - len(once),
        centreless=sum(not own.inside.any() for _, own in found),
        crossing=sum(_cross(one, other) for one, other in _meeting(plain)),
    )


def _key(contour: Contour) -> bytes:
    """The same for the same corners, wherever the contour begins and whichever way it runs."""
    corners = contour.corners + 0.0  # no minus zero
    if len(corners) > 1 and (corners[0] == corners[-1]).all():
        corners = corners[:-1]
    first = int(np.lexsort(corners.T[::-1])[0])
    forth = np.roll(corners, -first, axis=0)
    back = np.roll(forth[::-1], 1, axis=0)
    return min(forth.tobytes(), back.tobytes())


def _footprint(corners: FloatArray, shape: tuple[int, int]) -> _Footprint | None:
    """None where the contour does not reach the grid."""
    low = np.maximum(np.floor(corners.min(axis=0)), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 1, shape)
    if (low >= high).any():
        return None
    (top, left), (bottom, right) = low.astype(int).tolist(), high.astype(int).tolist()
    return _Footprint((top, left), (bottom, right), inside_polygons([corners - low], (bottom - top, right - left)))


def _meeting(footprints: Sequence[_Footprint]) -> Iterator[tuple[_Footprint, _Footprint]]:
    """Pairs whose boxes overlap."""
    if len(footprints) < 2:
        return
    low, high = np.array([own.low for own in footprints]), np.array([own.high for own in footprints])
    for index, own in enumerate(footprints[:-1]):
        after = slice(index + 1, None)
        for place in np.flatnonzero(((low[after] < own.high) & (high[after] > own.low)).all(axis=1)).tolist():
            yield own, footprints[index + 1 + place]


def _cross(one: _Footprint, other: _Footprint) -> bool:
    """Whether they share pixels and each has some of its own."""
    low, high = np.maximum(one.low, other.low).tolist(), np.minimum(one.high, other.high).tolist()
    both = np.count_nonzero(one.part(low, high) & other.part(low, high))
    return bool(0 < both < min(np.count_nonzero(one.inside), np.count_nonzero(other.inside)))
