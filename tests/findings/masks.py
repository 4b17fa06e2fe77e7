"""Balls, boxes and ellipsoids drawn on grids, whose sizes and distances are known."""

from __future__ import annotations

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray

OBLIQUE = np.linalg.qr(np.array([[1.0, 0.3, -0.2], [-0.4, 1.0, 0.5], [0.1, -0.6, 1.0]]))[0]
"""Three axes at right angles, none along an axis of the patient."""


def grid(spacing: tuple[float, float, float] = (1, 1, 1), *, oblique: bool = False) -> FloatArray:
    """An affine, whose origin lies somewhere."""
    return geometry.affine_from_axes(
        origin_mm=np.array([-12.0, 31, 7]), spacing_mm=spacing, directions=OBLIQUE if oblique else np.eye(3)[:, ::-1]
    )


def coordinates(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> FloatArray:
    """(d, h, w, 3), mm from the first voxel, along the array's axes."""
    return np.stack(np.meshgrid(*[np.arange(n) * mm for n, mm in zip(shape, spacing, strict=True)], indexing="ij"), -1)


def ellipsoid(
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    centre: FloatArray,
    half_axes: tuple[float, float, float],
    *,
    degrees: float = 0.0,
) -> BoolArray:
    """Of half axes in mm along d, h and w, turned in the slice."""
    turn = np.radians(degrees)
    axes = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    inside: BoolArray = ((((coordinates(shape, spacing) - centre) @ axes) / half_axes) ** 2).sum(axis=-1) <= 1
    return inside


def ball(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], centre: FloatArray, radius: float
) -> BoolArray:
    """Of a radius in mm."""
    return ellipsoid(shape, spacing, centre, (radius, radius, radius))
