"""Masses: an oval core for both labels, and around it spicules (malignant) or as much shapeless density (benign)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.datasets.phantom.outline import Outline
from hounsfield.datasets.phantom.woman import Lesion, View
from hounsfield.findings.region import Box

_REACH = 2.3
"""Half the side of the patch a mass is drawn in, in core radii: the spicules end before."""
_ANGLES, _RADII = 360, 40
"""Size of the polar table in which the surroundings of a core are laid out."""


@dataclass(frozen=True, eq=False)
class DrawnMass:
    """A mass on a film, and its truth."""

    patch: FloatArray
    """Attenuation to be added."""
    core: BoolArray
    """The mass without its spicules, on the patch."""
    row: int
    """Of the patch's first pixel; may lie outside the film."""
    column: int


def draw_mass(lesion: Lesion, view: View, outline: Outline, *, pixel_mm: float) -> DrawnMass:
    """A lesion as one view shows it: the same size and kind in both, seen from another angle.

    The attenuation of the surroundings has the same mean for both labels at every distance from the core, so that no
    sum over the picture tells them apart, only its pattern.
    """
    rng = np.random.default_rng([lesion.seed, 0 if view == "CC" else 1])
    radius = max(lesion.diameter_mm / 2 / pixel_mm, 1.0)
    row, column = _place(lesion, view, outline, radius)
    size = math.ceil(_REACH * radius)
    y, x = np.mgrid[-size : size + 1, -size : size + 1].astype(np.float32)
    distance = np.hypot(x, y) / np.float32(radius)
    angle = np.arctan2(y, x)
    rim = _rim(rng, lesion.aspect, angle)
    ratio = distance / rim
    fade = lesion.edge_mm / pixel_mm / radius
    core = 1 / (1 + np.exp(np.clip((ratio - 1) / (0.35 * fade), -30, 30)))
    body = core * (0.6 + 0.4 * np.sqrt(np.clip(1 - ratio**2, 0, 1)))
    around = _surroundings(rng, lesion, angle, ratio, pixel_mm / radius) * (1 - core)
    added = np.asarray(lesion.contrast * (body + around), dtype=np.float32)
    return DrawnMass(added, np.asarray(core > 0.5), row - size, column - size)


def add_mass(film: FloatArray, mass: DrawnMass, outline: Outline) -> None:
    """Add a mass to a film's attenuation, in place; nothing is added outside the breast."""
    rows, columns, inside = _overlap(mass, film.shape)
    film[rows, columns] += mass.patch[inside] * outline.thickness[rows, columns]


def mass_mask(mass: DrawnMass, shape: tuple[int, int]) -> BoolArray:
    """The core on the grid of the film."""
    mask = np.zeros(shape, dtype=bool)
    rows, columns, inside = _overlap(mass, shape)
    mask[rows, columns] = mass.core[inside]
    return mask


def loose_box(mask: BoolArray, rng: np.random.Generator, label: str) -> Box:
    """A box around a mask as a hand draws it: each side up to a fifth of the mass too wide, whole pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    room = rng.uniform(0.0, 0.2, 4) * max(len(rows), len(columns))
    return Box(
        x0=float(max(0, columns[0] - round(room[0]))),
        y0=float(max(0, rows[0] - round(room[1]))),
        x1=float(min(mask.shape[1], columns[-1] + 1 + round(room[2]))),
        y1=float(min(mask.shape[0], rows[-1] + 1 + round(room[3]))),
        label=label,
    )


def _place(lesion: Lesion, view: View, outline: Outline, radius: float) -> tuple[int, int]:
    """(row, column) of the centre, moved inwards where the breast is too narrow for the mass."""
    row = outline.middle + lesion.height[view] * outline.half
    limit = 0.85 * float(outline.edge.max())
    low = int(np.clip(row, 0, len(outline.edge) - 1))
    column = min(lesion.depth * float(outline.edge[low]), limit)
    room = float(outline.edge[low]) - 1.2 * radius
    return low, max(int(min(column, room)), math.ceil(0.5 * radius))


def _rim(rng: np.random.Generator, aspect: float, angle: FloatArray) -> FloatArray:
    """Distance of the core's edge in radii: an ellipse of area pi, with a few shallow lobes."""
    turn = rng.uniform(0, math.pi)
    long, short = math.sqrt(aspect), 1 / math.sqrt(aspect)
    ellipse = 1 / np.sqrt((np.cos(angle - turn) / long) ** 2 + (np.sin(angle - turn) / short) ** 2)
    lobes = sum(rng.uniform(0, 0.05) * np.cos(count * angle + rng.uniform(0, 2 * math.pi)) for count in (3, 4, 5))
    return np.asarray(ellipse * (1 + lobes), dtype=np.float32)


def _surroundings(
    rng: np.random.Generator, lesion: Lesion, angle: FloatArray, ratio: FloatArray, pixel: float
) -> FloatArray:
    """What lies around the core, in units of its contrast, taken from a table over angle and distance.

    Args:
        rng: Source of chance.
        lesion: The mass.
        angle: Of each pixel of the patch, radians.
        ratio: Distance of each pixel from the centre over that of the rim in its direction.
        pixel: Size of a pixel in core radii.
    """
    import cv2

    table = _spicules(rng, int(rng.integers(11, 25)), pixel) * rng.uniform(0.7, 1.1)
    strands = _spicules(rng, int(rng.integers(0, 3)), pixel)  # ligaments that happen to end at the mass
    if lesion.label == "benign":
        table = np.maximum(_spread(rng, table), strands)
        if lesion.halo:
            distance = np.linspace(0.6, _REACH, _RADII, dtype=np.float32)[:, np.newaxis]
            table = table - 0.18 * np.exp(-(((distance - 1.14) / 0.07) ** 2))
    wrapped = np.concatenate([table, table[:, :1]], axis=1)
    across = ((angle / (2 * math.pi)) % 1 * _ANGLES).astype(np.float32)
    down = ((ratio - 0.6) / (_REACH - 0.6) * (_RADII - 1)).astype(np.float32)
    return np.asarray(cv2.remap(wrapped.astype(np.float32), across, down, cv2.INTER_LINEAR, borderValue=0))


def _spicules(rng: np.random.Generator, count: int, pixel: float) -> FloatArray:
    """Polar table (radius, angle) of `count` thin lines that leave the core, taper and end."""
    angle = (np.arange(count) + rng.uniform(-0.5, 0.5, count)) * (2 * math.pi / max(count, 1))
    length = rng.uniform(0.3, 1.05, count)
    bend = rng.uniform(-0.35, 0.35, count)
    width = rng.uniform(0.05, 0.10, count) + 0.4 * max(pixel, 0.03)
    strength = rng.uniform(0.35, 0.75, count)
    angle, length, bend, width, strength = np.stack([angle, length, bend, width, strength]).astype(np.float32)
    distance = np.linspace(0.6, _REACH, _RADII, dtype=np.float32)[:, np.newaxis, np.newaxis]
    around = (np.arange(_ANGLES, dtype=np.float32) * np.float32(2 * math.pi / _ANGLES))[np.newaxis, :, np.newaxis]
    beyond = (distance - 1) / length
    off = around - angle - bend * (distance - 1)
    off = (off + math.pi) % (2 * math.pi) - math.pi
    taper = np.clip(1 - np.clip(beyond, 0, None), 0, 1)
    lines = strength * taper**0.7 * np.exp(-0.5 * (off * distance / (width * (0.4 + 0.6 * taper))) ** 2)
    return np.asarray(np.minimum(lines.sum(axis=2), 1.0))


def _spread(rng: np.random.Generator, table: FloatArray) -> FloatArray:
    """A table of the same mean at every distance, in a few broad patches instead of lines."""
    around = np.arange(_ANGLES) * (2 * math.pi / _ANGLES)
    patches = 1 + sum(rng.uniform(0, 0.6) * np.cos(n * around + rng.uniform(0, 2 * math.pi)) for n in (1, 2, 3))
    patches = np.clip(patches, 0, None)
    return np.asarray(table.mean(axis=1, keepdims=True) * (patches / patches.mean()))


def _overlap(mass: DrawnMass, shape: tuple[int, ...]) -> tuple[slice, slice, tuple[slice, slice]]:
    """Rows and columns of the film that the patch covers, and the part of the patch that covers them."""
    height, width = mass.patch.shape
    top, left = max(mass.row, 0), max(mass.column, 0)
    bottom, right = min(mass.row + height, shape[0]), min(mass.column + width, shape[1])
    part = slice(top - mass.row, bottom - mass.row), slice(left - mass.column, right - mass.column)
    return slice(top, bottom), slice(left, right), part
