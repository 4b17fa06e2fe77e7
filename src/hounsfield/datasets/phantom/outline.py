"""The shape of a compressed breast on a film: outline, nipple, muscle, thickness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.datasets.phantom.woman import View


@dataclass(frozen=True, eq=False)
class Outline:
    """A breast with the chest wall at the left border of the film."""

    edge: FloatArray
    """(height,), where the skin lies in each row, pixels from the left border; 0 where there is no breast."""
    breast: BoolArray
    """(height, width)."""
    thickness: FloatArray
    """(height, width), of the compressed breast, 1 inside, falling to 0 at the skin."""
    muscle: FloatArray
    """(height, width), 1 in the pectoral muscle, 0 outside; all 0 on CC views."""
    middle: float
    """Row of the nipple."""
    half: float
    """Half the height of the breast in rows, about the nipple."""


def draw_outline(
    rng: np.random.Generator, view: View, *, shape: tuple[int, int], depth_mm: float, pixel_mm: float
) -> Outline:
    """The outline of one film.

    Args:
        rng: Source of chance.
        view: "CC" is a half-ellipse, "MLO" has an axillary tail and the muscle.
        shape: (height, width) of the film.
        depth_mm: From chest wall to nipple.
        pixel_mm: Size of a pixel.
    """
    import cv2

    height, width = shape
    depth = min(depth_mm * rng.uniform(0.94, 1.06) / pixel_mm, 0.86 * width)
    middle = height * (rng.uniform(0.46, 0.54) if view == "CC" else rng.uniform(0.56, 0.64))
    half = min(depth * rng.uniform(0.95, 1.2), 0.45 * height if view == "CC" else 0.36 * height)
    rows = np.arange(height, dtype=np.float64) + 0.5
    edge = _half_ellipse(rows, middle, half, depth, rng.uniform(1.55, 2.1))
    if view == "MLO":
        # The breast hangs: above it the skin runs in a shallow bow to the axilla.
        tail = depth * rng.uniform(0.58, 0.85) * np.clip(1 - 0.75 * rows / (middle + half), 0, None) ** 0.7
        above = np.clip((middle - rows) / half, 0, 1)
        edge = np.where(rows < middle, (edge**4 + (tail * above) ** 4) ** 0.25, edge)
        edge = np.where(rows < middle, _smoothed(edge, 0.05 * height), edge)
    edge *= 1 + 0.012 * np.sin(rows / height * rng.uniform(8, 20) + rng.uniform(0, 6))
    columns = np.arange(width) + 0.5
    breast = (columns < edge[:, np.newaxis]).astype(np.uint8)
    if rng.random() < 0.6:  # the nipple in profile
        size = 7.0 / pixel_mm
        cv2.ellipse(breast, ((float(edge[int(middle)]) - 0.2 * size, middle), (1.2 * size, size), 0), 1, thickness=-1)
    muscle = np.zeros(shape, dtype=np.float32)
    if view == "MLO":
        muscle = _draw_muscle(rng, rows, columns, float(edge[0]), middle, pixel_mm)
    # Nothing but the chest wall's side is open: the distance is that to the skin.
    distance = np.asarray(cv2.distanceTransform(breast, cv2.DIST_L2, 5))
    roll = rng.uniform(0.18, 0.3) * depth
    near = np.clip(distance / roll, 0, 1)
    thickness = np.sqrt(near * (2 - near), dtype=np.float32)
    return Outline(edge, breast.astype(bool), thickness, muscle, middle, half)


def _half_ellipse(rows: FloatArray, middle: float, half: float, depth: float, power: float) -> FloatArray:
    return np.asarray(depth * np.clip(1 - np.abs((rows - middle) / half) ** power, 0, None) ** (1 / power))


def _smoothed(values: FloatArray, sigma: float) -> FloatArray:
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter1d(values, sigma, mode="nearest"))


def _draw_muscle(
    rng: np.random.Generator, rows: FloatArray, columns: FloatArray, top: float, middle: float, pixel_mm: float
) -> FloatArray:
    """A triangle with a slightly bent, slightly soft edge."""
    across, down = top * rng.uniform(0.45, 0.8), middle * rng.uniform(0.75, 1.2)
    bend = rng.uniform(-0.1, 0.12)
    along = np.clip(rows / down, 0, 1)
    border = across * (1 - rows / down + 4 * bend * along * (1 - along))
    soft = 1.5 / pixel_mm
    return np.asarray(np.clip((border[:, np.newaxis] - columns) / soft + 0.5, 0, 1), dtype=np.float32)
