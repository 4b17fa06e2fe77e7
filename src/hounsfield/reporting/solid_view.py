"""Surfaces seen from outside, shaded: solid ones, and ones that are looked through as if they were of glass.

Every quadrilateral of a surface that faces the viewer is covered by points closer than pixels; of all points of a
pixel the nearest one is kept (a depth buffer), with how it is lit. Glass is seen where it turns away from the viewer,
and hardly where it faces him, so that shapes stay while what lies behind them is seen. Where something lies far behind
what is beside it, it is darker, as a shadow would make it.

Reference:
    Luft, Colditz and Deussen, "Image enhancement by unsharp masking the depth buffer" (2006),
    doi:10.1145/1141911.1142016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.reporting.colours import DARK, Colour
from hounsfield.reporting.plane import Plane
from hounsfield.reporting.surface_net import SurfaceNet

_FINER = 2
"""Points of a picture's pixel along each side, of which the mean is shown."""

_APART = 0.7
"""Of such points at most, in pixels of theirs: nothing shines through, on faces that are seen askew neither."""

_COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
"""Points along a side of a quadrilateral: few different numbers, so that many are covered together."""

_AT_ONCE = 500_000
"""Points that are held at once."""

_LIGHT = np.array([-0.45, -0.6, -0.66], dtype=np.float32)
"""Towards the lamp, to the right, down and away from the viewer: behind his left shoulder."""

_LEVELS = 255
"""Of light, and of how a surface faces the viewer, that are told apart."""

_DEPTHS, _BEHIND_PLANE, _DEEPEST = 16, 1 << 21, 1 << 22
"""Depths that are told apart in a pixel's length, what is added to them so that none is below 0, and the largest."""

_NOTHING = np.iinfo(np.int64).max
"""A pixel on which there is nothing."""


@dataclass(frozen=True, eq=False)
class Solid:
    """A surface and how it is shown."""

    net: SurfaceNet
    colour: Colour
    density: float = 1.0
    """1, or of glass less: how much is seen of it where it faces the viewer."""

    @property
    def glass(self) -> bool:
        """Whether what lies behind it is seen."""
        return self.density < 1


@dataclass(frozen=True, eq=False)
class View:
    """What is seen."""

    pixels: NDArray[np.uint8]
    """(height, width, 3)."""
    covered: BoolArray
    """(height, width), where there is a solid that is not of glass."""


def seen(solids: Sequence[Solid], plane: Plane) -> View:
    """Solids as they look from far before a plane, at right angles to it.

    Args:
        solids: In any order.
        plane: What the picture shows; the viewer looks along `right` × `down`.
    """
    fine = replace(
        plane, height=_FINER * plane.height, width=_FINER * plane.width, pixel_mm=plane.pixel_mm / _FINER
    )  # fmt: skip
    solid, glass = ([one for one in solids if one.glass == through] for through in (False, True))
    hard = _Points.of(_nearest(solid, fine))
    colours = _lit(hard, [one.colour for one in solid])
    if glass:
        layers = np.stack([_nearest([one], fine, first=number) for number, one in enumerate(glass)])
        _look_through(colours, hard, layers, glass)
    return View(_smaller(colours), _smaller(hard.there * np.float32(255)) >= 128)


@dataclass(frozen=True, eq=False)
class _Points:
    """A point on each pixel."""

    there: BoolArray
    """(height, width)."""
    depth: FloatArray
    """(height, width) float32, pixels behind the plane; infinite where there is nothing, as all is 0 there."""
    light: FloatArray
    """(height, width) float32, in [0, 1], how much of the lamp's light it gets."""
    facing: FloatArray
    """(height, width) float32, in [0, 1], 1 where the surface faces the viewer."""
    number: IntArray
    """(height, width), which solid it is of."""

    @classmethod
    def of(cls, words: IntArray) -> _Points:
        """Of numbers as `_nearest` gives them."""
        there = words != _NOTHING
        known = words[there]
        depth, light, facing = np.zeros((3, *words.shape), dtype=np.float32)
        number = np.zeros(words.shape, dtype=np.uint16)
        depth[~there] = np.inf
        depth[there] = ((known >> 32) - _BEHIND_PLANE) / _DEPTHS
        light[there], facing[there] = ((known >> 24) & 255) / _LEVELS, ((known >> 16) & 255) / _LEVELS
        number[there] = known & 0xFFFF
        return cls(there, depth, light, facing, number)


def _nearest(solids: Sequence[Solid], plane: Plane, *, first: int = 0) -> IntArray:
    """(height, width) int64: of each pixel the nearest point, its depth before its light, how it faces the viewer, and
    the number of its solid, from `first` on; so that the least number is the nearest point."""
    kept = np.full(plane.height * plane.width, _NOTHING, dtype=np.int64)
    corners = [_corners(solid.net, plane, number) for number, solid in enumerate(solids, start=first)]
    for points in _covered(np.concatenate(corners, axis=2)) if corners else ():
        column, row = np.rint(points[:2]).astype(np.int32)
        inside = (column >= 0) & (column < plane.width) & (row >= 0) & (row < plane.height)
        depth, light, facing, number = points[2:].astype(np.int64)
        words = (depth << 32) | (light << 24) | (facing << 16) | number
        place = row.astype(np.int64) * plane.width + column
        if not inside.all():
            words, place = words[inside], place[inside]
        np.minimum.at(kept, place, words)
    return kept.reshape(plane.height, plane.width)


def _corners(net: SurfaceNet, plane: Plane, number: int) -> FloatArray:
    """(6, 4, m): column, row, and as whole numbers depth, light, how it faces the viewer, and the solid's number, at
    the corners of the quadrilaterals on the picture that face him."""
    axes = np.stack([plane.right, plane.down, np.cross(plane.right, plane.down)]).astype(np.float32)
    at = axes / np.float32(plane.pixel_mm) @ (net.points_mm - plane.centre_mm.astype(np.float32)).T
    at[:2] += np.array([[(plane.width - 1) / 2], [(plane.height - 1) / 2]], dtype=np.float32)
    quads = net.quads.T
    x, y = at[0][quads], at[1][quads]
    faces = (x[2] - x[0]) * (y[3] - y[1]) < (y[2] - y[0]) * (x[3] - x[1])
    for way, nodes, side in ((x, at[0], plane.width), (y, at[1], plane.height)):
        if nodes.min(initial=0) < -0.5 or nodes.max(initial=0) > side - 0.5:  # some lie beside the picture
            faces &= (way.max(axis=0) > -0.5) & (way.min(axis=0) < side - 0.5)
    turned = axes @ net.normals.T
    shades = np.clip([(_LIGHT / np.linalg.norm(_LIGHT)) @ turned, -turned[2]], 0, 1) * _LEVELS
    depth = np.clip(at[2] * _DEPTHS + _BEHIND_PLANE, 0, _DEEPEST)
    nodes = np.array([*at[:2], depth, *shades, np.full(len(depth), number + 0.5)], dtype=np.float32)  # cut off later
    found: FloatArray = nodes[:, quads[:, faces]]
    return found


def _covered(corners: FloatArray) -> Iterator[FloatArray]:
    """Points (attributes, n) on quadrilaterals (attributes, 4, m), between whose corners attributes are linear."""
    sides = np.hypot(*(corners[:2] - np.roll(corners[:2], -1, axis=1))) / _APART
    counts = np.array(_COUNTS)
    across, along = (
        np.minimum(np.searchsorted(counts, np.maximum(sides[way], sides[way + 2])), len(counts) - 1) for way in (0, 1)
    )
    group = across * len(counts) + along
    for number in np.flatnonzero(np.bincount(group)).tolist():
        weights = _between(_COUNTS[number // len(counts)], _COUNTS[number % len(counts)])
        chosen = corners[..., group == number]
        each = max(1, _AT_ONCE // len(weights))
        for first in range(0, chosen.shape[2], each):
            yield (weights @ chosen[..., first : first + each]).reshape(len(corners), -1)


def _between(across: int, along: int) -> FloatArray:
    """(across · along, 4) float32, weights of a quadrilateral's corners at places spread over it."""
    ways = [(np.arange(count, dtype=np.float32) + 0.5) / count for count in (across, along)]
    u, v = (part.ravel() for part in np.meshgrid(*ways))
    return np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)


def _lit(points: _Points, colours: Sequence[Colour]) -> FloatArray:
    """(height, width, 3) float32, in [0, 255]."""
    picture = np.full((*points.there.shape, 3), DARK, dtype=np.float32)
    if colours:
        own = np.array(colours, dtype=np.float32)[points.number[points.there]]
        picture[points.there] = _shaded(own, points.light[points.there], _hidden(points)[points.there])
    return picture


def _shaded(colour: FloatArray, light: FloatArray, hidden: FloatArray) -> FloatArray:
    """Colours (n, 3) in the lamp's light and a little from everywhere, with a gleam."""
    bright = (0.35 + 0.7 * light) * (1 - 0.6 * hidden)
    gleam = 60 * light**24 * (1 - hidden)
    return np.clip(colour * bright[:, None] + gleam[:, None], 0, 255)


def _hidden(points: _Points) -> FloatArray:
    """(height, width), in [0, 1], how far a point lies behind those around it."""
    import cv2

    if not points.there.any():
        return np.zeros(points.there.shape, dtype=np.float32)
    size = max(points.there.shape) / 40
    far = points.depth[points.there].max()
    depth = np.where(points.there, points.depth, far).astype(np.float32)
    height, width = depth.shape
    small = cv2.resize(depth, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    mean = cv2.resize(cv2.GaussianBlur(small, (0, 0), size / 4), (width, height), interpolation=cv2.INTER_LINEAR)
    hidden: FloatArray = np.clip((depth - mean) / (4 * size), 0, 1).astype(np.float32)
    return hidden


def _look_through(picture: FloatArray, hard: _Points, layers: IntArray, glass: Sequence[Solid]) -> None:
    """Draw glass on the picture, the farthest first.

    Args:
        picture: (height, width, 3), of what is not of glass; drawn on.
        hard: Its points.
        layers: (glasses, height, width), as `_nearest` gives them.
        glass: Solids by their numbers.
    """
    colours = np.array([solid.colour for solid in glass], dtype=np.float32)
    densities = np.array([solid.density for solid in glass], dtype=np.float32)
    for words in np.sort(layers, axis=0)[::-1]:
        points = _Points.of(np.where(words >> 32 < (hard.depth * _DEPTHS + _BEHIND_PLANE), words, _NOTHING))
        there, number = points.there, points.number[points.there]
        share = np.minimum(densities[number] + 0.55 * (1 - points.facing[there]) ** 2, 1)[:, None]
        lit = colours[number] * (0.45 + 0.55 * points.light[there])[:, None]
        picture[there] += share * (lit - picture[there])


def _smaller(picture: FloatArray) -> NDArray[np.uint8]:
    """With pixels of the picture's own size."""
    import cv2

    height, width = picture.shape[:2]
    mean = cv2.resize(picture, (width // _FINER, height // _FINER), interpolation=cv2.INTER_AREA)
    return np.rint(mean).astype(np.uint8)
