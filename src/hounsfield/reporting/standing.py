"""Pictures of solids for a viewer who stands around the patient: what they show, and what is written on them."""

from __future__ import annotations

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.image import Image
from hounsfield.reporting.drawing import Canvas
from hounsfield.reporting.plane import Plane, side_letters
from hounsfield.reporting.solid_view import View

ROOM = 1.2
"""Of a picture's side, of the side of what it shows."""

PIXELS = 2.0
"""Of a picture, for each voxel along what it shows: finer ones would not be seen."""

FRONT, LEFT = np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0])
"""From the patient, towards the viewer, LPS."""

_HEAD = np.array([0.0, 0.0, 1.0])
_ALONG = 0.999
"""Cosine of the angle within which a side of a picture is a side of the patient."""


def standing(towards: FloatArray, points: FloatArray, *, side: int, side_mm: float) -> Plane:
    """The square picture for a viewer who stands in a direction from points, his head up; their middle is its middle.

    Args:
        towards: (3,), LPS, not straight up or down, of any length.
        points: (n, 3), LPS mm.
        side: Pixels along the picture.
        side_mm: More than 0, what it shows at least, besides the points.
    """
    forward = -towards / np.linalg.norm(towards)
    right = np.cross(forward, _HEAD)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    along = np.stack([right, down, forward]) @ points.T
    low, high = along.min(axis=1), along.max(axis=1)
    middle = (low + high) / 2
    needed = max(side_mm, float((high - low)[:2].max())) * ROOM
    centre = middle[0] * right + middle[1] * down + middle[2] * forward
    return Plane(centre, right, down, side, side, needed / side)


def canvas_of(view: View) -> Canvas:
    """What is seen, to be drawn on."""
    return Canvas(view.pixels, np.ones(view.covered.shape, dtype=np.bool_))


def write_directions(canvas: Canvas, plane: Plane, image: Image, words: str) -> None:
    """Where a picture is seen from and the patient's directions, where the image knows them; a scale where it knows mm.

    Args:
        canvas: Of the picture.
        plane: What it shows.
        image: That it was made from.
        words: "from the front", for instance; may be empty.
    """
    if image.spacing_kind != "none":
        canvas.scale(plane.pixel_mm)
    if not image.placed:
        return
    if np.abs(plane.right[:2]).max() > _ALONG and abs(plane.down[2]) > _ALONG:
        canvas.sides(side_letters(plane))
    else:
        shown = np.stack([plane.right, plane.down], axis=1).tolist()
        canvas.compass([((right, down), letter) for (right, down), letter in zip(shown, "LPS", strict=True)])
    canvas.caption(words)
