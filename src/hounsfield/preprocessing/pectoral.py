"""The pectoral muscle on an oblique (MLO) mammogram: the bright triangle between the top border and the chest wall."""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray

_WORKING_SIDE = 192
"""Longer side, in pixels, of the picture on which the muscle's edge is sought."""
_SAMPLES = 48
"""Points looked at along each line."""
_REACH = 4.0
"""Distance, in working pixels, of the two points compared across a line."""
_MINIMUM_STEP = 0.02
"""Smallest mean fall of grey level across the edge, as a part of the film's range, that counts as a muscle."""


def pectoral_muscle(plane: FloatArray, breast: BoolArray, *, chest_on_left: bool) -> BoolArray:
    """Where the muscle lies, (height, width); empty when no edge is clear enough.

    The edge is taken as a straight line from the top border to the chest wall: of about a thousand lines the one across
    which the picture falls most evenly from bright to dark, as in the Hough-based methods that began with Karssemeijer,
    Phys. Med. Biol. 43 (1998), doi:10.1088/0031-9155/43/2/011.

    Args:
        plane: (height, width), the film.
        breast: (height, width), from `breast.region`.
        chest_on_left: Where the chest wall lies.
    """
    if not chest_on_left:
        return pectoral_muscle(plane[:, ::-1], breast[:, ::-1], chest_on_left=True)[:, ::-1]
    rows, columns = np.flatnonzero(breast.any(axis=1)), np.flatnonzero(breast.any(axis=0))
    muscle = np.zeros_like(breast)
    if len(rows) < 16 or len(columns) < 16:
        return muscle
    top, left = int(rows[0]), int(columns[0])
    part = plane[top : rows[-1] + 1, left : columns[-1] + 1]
    inside = breast[top : rows[-1] + 1, left : columns[-1] + 1]
    line = _edge_line(part, inside)
    if line is None:
        return muscle
    across, down = line
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    muscle[top : rows[-1] + 1, left : columns[-1] + 1] = (x + 0.5) / across + (y + 0.5) / down < 1
    return muscle & breast


def _edge_line(plane: FloatArray, breast: BoolArray) -> tuple[float, float] | None:
    """(pixels along the top border, pixels down the chest wall) where the muscle's edge meets them, or None."""
    import cv2

    height, width = plane.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(breast.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    values = np.asarray(small)[np.asarray(mask) > 0.5]
    low, high = np.percentile(values, (1, 99))
    if high <= low:
        return None
    levels = np.asarray(cv2.GaussianBlur((np.asarray(small) - low) / (high - low), (0, 0), 1.5))
    across, down, scores = _scored_lines(levels, np.asarray(mask))
    best = int(scores.argmax())
    if scores[best] < _MINIMUM_STEP:
        return None
    return float(across[best]) * width / size[0], float(down[best]) * height / size[1]


def _scored_lines(levels: FloatArray, mask: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where each line meets the top and the chest wall, in working pixels, and how well it fits."""
    height, width = levels.shape
    at_top = np.flatnonzero(mask[min(4, height - 1)] > 0.5)
    widest = float(at_top[-1] + 1) if len(at_top) else width / 2
    ends = np.meshgrid(np.linspace(0.2 * widest, 0.95 * widest, 30), np.linspace(0.2 * height, 0.95 * height, 36))
    across, down = (end.ravel() for end in ends)
    steep = down / across
    keep = (steep > 0.8) & (steep < 6)
    across, down = across[keep], down[keep]
    if not len(across):
        return np.ones(1), np.ones(1), np.zeros(1)
    length = np.hypot(across, down)
    normal = np.stack([down / length, across / length])  # points away from the corner, (x, y)
    # The ends are left out: skin folds at the top, and the muscle's lower end, which fades.
    along = np.linspace(0.08, 0.85, _SAMPLES)
    x, y = across[:, None] * (1 - along), down[:, None] * along
    fall = np.zeros_like(x)
    for reach in (_REACH / 2, _REACH):
        dx, dy = reach * normal[0][:, None], reach * normal[1][:, None]
        fall += _sample(levels, x - dx, y - dy) - _sample(levels, x + dx, y + dy)
    # Clipped, so that one very bright gland beside a line does not outweigh an edge along all of it.
    even = np.clip(fall / 2, -0.06, 0.12)
    scores = even.mean(axis=1) * (0.5 + (even > 0.01).mean(axis=1)) * np.sqrt(length / np.hypot(height, width))
    return across, down, scores


def _sample(levels: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    rows = np.clip(y.astype(np.intp), 0, levels.shape[0] - 1)
    columns = np.clip(x.astype(np.intp), 0, levels.shape[1] - 1)
    return levels[rows, columns]
