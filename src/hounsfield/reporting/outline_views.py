"""What was outlined seen from outside, from three sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hounsfield.findings.box import bounding_box
from hounsfield.image import Image, Mask
from hounsfield.reporting.planes import COLOURS, TRUTH, joined
from hounsfield.reporting.solid_view import seen
from hounsfield.reporting.solids import solids_of_mask
from hounsfield.reporting.standing import FRONT, LEFT, PIXELS, canvas_of, standing, write_directions

SIDE = 300
"""Pixels along each picture."""

_LEAST_VOXELS = 4
"""Along each picture, so that one that is outlined alone is seen as what it is: one."""

_SIDES = (("from the front", FRONT), ("from the left", LEFT), ("", np.array([0.52, -0.74, 0.42])))
"""The last one is from the front, left and above."""


def outline_views(image: Image, found: Mask, truth: Mask | None = None) -> NDArray[np.uint8] | None:
    """(300, 912, 3): a volume's labels from the front, from the left, and from the front, left and above; None where
    nothing is outlined, or the image is flat.

    Args:
        image: As stored.
        found: What was outlined, in colours.
        truth: What is there, as a white line around it.
    """
    if image.planar:
        return None
    extents = [_extent_mm(mask, image) for mask in (found, truth) if mask is not None]
    if not any(extents):
        return None
    finest = PIXELS * max(extents) / SIDE
    solids = solids_of_mask(found, image.affine, COLOURS, finest_mm=finest)
    there = [] if truth is None else solids_of_mask(truth, image.affine, (TRUTH,), finest_mm=finest)
    there = [replace(solid, density=1.0) for solid in there]
    points = np.concatenate([solid.net.points_mm for solid in (*solids, *there)])
    least = _LEAST_VOXELS * max(image.spacing_mm)
    widest = max(least, *(float(np.ptp(points[:, axis])) for axis in range(3)))
    pictures = []
    for words, towards in _SIDES:
        plane = standing(towards, points, side=SIDE, side_mm=widest)
        canvas = canvas_of(seen(solids, plane))
        if there:
            canvas.outline(seen(there, plane).covered, TRUTH)
        write_directions(canvas, plane, image, words)
        pictures.append(canvas.pixels())
    return joined(pictures, axis=1)


def _extent_mm(mask: Mask, image: Image) -> float:
    """The longest side of the box around what is labelled; 0 where nothing is."""
    box = bounding_box(mask.labels > 0)
    if box is None:
        return 0.0
    return float(max((side.stop - side.start) * space for side, space in zip(box, image.spacing_mm, strict=True)))
