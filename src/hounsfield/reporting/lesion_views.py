"""A lesion seen from outside, among the structures around it, with the closest distances as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import Part, box_of_lesion
from hounsfield.findings.margin import Margin
from hounsfield.image import Image
from hounsfield.reporting.drawing import legend_strip
from hounsfield.reporting.margin_panels import LESION
from hounsfield.reporting.planes import COLOURS, joined
from hounsfield.reporting.solid_view import Colour, Solid, seen
from hounsfield.reporting.solids import BESIDE, HOLDING, Labelled, solid_of
from hounsfield.reporting.standing import FRONT, LEFT, PIXELS, ROOM, canvas_of, standing, write_directions

SIDE = 380
"""Pixels along each picture."""

_AROUND_MM = 40.0
"""Shown around a lesion, both sides together."""

_FAR_MM = 50.0
"""Structures that are farther from a lesion have no line, and need not be on its pictures."""

_SPARE = 1.5
"""Of a picture's height, what is kept of structures above and below: a picture may have to show more than its least."""

_INKS = COLOURS[:-1]
"""Of structures; the last colour is near the lesion's."""


def lesion_views(
    image: Image, lesion: BoolArray, structures: Mapping[str, BoolArray], margins: Sequence[Margin]
) -> NDArray[np.uint8] | None:
    """(height, 1152, 3): a lesion with the structures around it as glass, and the closest distances as lines, from the
    front, from the side on which it lies, and from where the smallest distance is seen in its full length; below, what
    the colours are. None where the image is flat.

    Args:
        image: That was measured on.
        lesion: (depth, height, width).
        structures: By name, on the same grid.
        margins: To those that a distance was measured to.
    """
    if image.planar:
        return None
    inks = {name: _ink(number) for number, name in enumerate(structures)}
    near = {one.structure: one for one in margins if one.minimum_mm <= _FAR_MM}
    ends = {name: np.array([one.closest.lesion_mm, one.closest.structure_mm]) for name, one in near.items()}
    points = np.concatenate([_corners(lesion, image.affine), *ends.values()])
    size = float(np.ptp(points, axis=0).max()) + _AROUND_MM
    around = {one.structure for one in margins if one.side == "inside"}
    solids = _solids(image, lesion, structures, inks, around, points, size)
    apart = [one for one in near.values() if one.minimum_mm > one.uncertainty_mm]
    closest = min(apart, key=lambda one: one.minimum_mm, default=None)
    side = _sideways(solids)
    seen_from = (
        ("from the front", FRONT),
        ("from the left" if side > 0 else "from the right", side * LEFT),
        across(closest, side),
    )
    pictures: list[NDArray[np.uint8]] = []
    for words, towards in seen_from:
        plane = standing(towards, points, side=SIDE, side_mm=size)
        canvas = canvas_of(seen(solids, plane))
        for one in sorted(near.values(), key=lambda one: one is closest):  # which is drawn over the others
            start, stop = (plane.pixel_of(end) for end in ends[one.structure])
            told = f"{one.minimum_mm:.1f} mm" if one is closest and len(pictures) == len(seen_from) - 1 else ""
            canvas.distance(start, stop, inks[one.structure], told, dashed=False)
        write_directions(canvas, plane, image, words)
        pictures.append(canvas.pixels())
    row = joined(pictures, axis=1)
    return joined([row, legend_strip(_named(inks, margins), row.shape[1])], axis=0)


def _corners(lesion: BoolArray, affine: FloatArray) -> FloatArray:
    """Of the lesion's box, (8, 3), LPS mm."""
    ends = [(side.start - 0.5, side.stop - 0.5) for side in box_of_lesion(lesion)]
    return geometry.world_from_index(affine, np.array([[d, h, w] for d in ends[0] for h in ends[1] for w in ends[2]]))


def _solids(
    image: Image,
    lesion: BoolArray,
    structures: Mapping[str, BoolArray],
    inks: Mapping[str, Colour],
    around: set[str],
    points: FloatArray,
    size: float,
) -> list[Solid]:
    """The lesion, and as glass what pictures of such a size around points show of structures."""
    finest = PIXELS * size / SIDE
    box = box_of_lesion(lesion)
    solids = [solid_of(Labelled(box, lesion[box], LESION), image.affine, density=1.0, finest_mm=finest)]
    middle, reach = (points[:, 2].min() + points[:, 2].max()) / 2, _SPARE * ROOM * size / 2
    for name, mask in structures.items():
        if not mask.any():
            continue
        part = between(box_of_lesion(mask), image.affine, middle - reach, middle + reach)
        density = HOLDING if name in around else BESIDE
        solids.append(solid_of(Labelled(part, mask[part], inks[name]), image.affine, density=density, finest_mm=finest))
    return solids


def between(box: Part, affine: FloatArray, low_mm: float, high_mm: float) -> Part:
    """The part of a box that lies between two heights, a little more where slices are tilted; all where nothing does.

    Args:
        box: On an image's grid.
        affine: (4, 4), of the grid.
        low_mm: Towards the feet, LPS.
        high_mm: Towards the head.
    """
    upwards = affine[2, :3]
    axis = int(np.abs(upwards).argmax())
    beside = [upwards[one] * np.array([box[one].start, box[one].stop - 1]) for one in range(3) if one != axis]
    at = affine[2, 3] + upwards[axis] * np.arange(box[axis].start, box[axis].stop)
    low, high = at + sum(ends.min() for ends in beside), at + sum(ends.max() for ends in beside)
    places = np.flatnonzero((high >= low_mm) & (low <= high_mm)) + box[axis].start
    if not len(places):
        return box
    sides = list(box)
    sides[axis] = slice(int(places[0]), int(places[-1]) + 1)
    return sides[0], sides[1], sides[2]


def _ink(number: int) -> Colour:
    """Of a structure: the colours in turn, and then paler ones."""
    red, green, blue = _INKS[number % len(_INKS)]
    if number // len(_INKS) % 2:
        return (red + 255) // 2, (green + 255) // 2, (blue + 255) // 2
    return red, green, blue


def _sideways(solids: Sequence[Solid]) -> float:
    """The side of what is around a lesion, the first solid, on which it lies: 1 for the patient's left, else -1."""
    lesion, others = solids[0].net.points_mm[:, 0], [solid.net.points_mm[:, 0] for solid in solids[1:]]
    whole = np.concatenate(others or [lesion])
    return 1.0 if float(lesion.min() + lesion.max()) >= float(whole.min() + whole.max()) else -1.0


def across(closest: Margin | None, side: float) -> tuple[str, FloatArray]:
    """From where the line of a distance is seen in its full length, from the front rather than the back; without one
    half from a side: in words and as a direction (3,), LPS.

    Args:
        closest: Whose distance.
        side: 1 for the patient's left, -1 for the right.
    """
    if closest is None:
        return "", FRONT + side * LEFT
    line = np.subtract(closest.closest.structure_mm, closest.closest.lesion_mm)
    towards = np.array((-line[1], line[0], 0.0))
    if np.linalg.norm(towards) < 1e-3 * np.linalg.norm(line):  # upright: seen so from every side
        towards = FRONT + side * LEFT
    return "across the smallest distance", towards if towards[1] <= 0 else -towards


def _named(inks: Mapping[str, Colour], margins: Sequence[Margin]) -> list[tuple[Colour, str]]:
    """The lesion, and structures, the nearest first, with their distances."""
    ordered = sorted(margins, key=lambda one: one.minimum_mm)
    return [(LESION, "lesion"), *((inks[one.structure], f"{one.structure} {one.minimum_mm:.1f} mm") for one in ordered)]
