"""A lesion seen from outside, among the structures around it, with the closest distances as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import Part, bounding_box, box_of_lesion, corners_of_lesion, within
from hounsfield.findings.margin import Margin
from hounsfield.image import Image
from hounsfield.reporting.colours import Colour
from hounsfield.reporting.drawing import Canvas, legend_strip
from hounsfield.reporting.margin_panels import LESION
from hounsfield.reporting.plane import Plane
from hounsfield.reporting.planes import COLOURS, joined
from hounsfield.reporting.solid_view import Solid, seen
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
    inks = {name: ink_of(number) for number, name in enumerate(structures)}
    near = [one for one in margins if one.minimum_mm <= _FAR_MM]
    points = np.concatenate([corners_of_lesion(lesion, image.affine), *(_ends(one) for one in near)])
    size = float(np.ptp(points, axis=0).max()) + _AROUND_MM
    middle, reach = (points[:, 2].min() + points[:, 2].max()) / 2, _SPARE * ROOM * size / 2
    parts = {name: between(mask, image.affine, middle - reach, middle + reach) for name, mask in structures.items()}
    holding = {one.structure for one in margins if one.side == "inside"}
    shown = [(Labelled(box_of_lesion(lesion), lesion[box_of_lesion(lesion)], LESION), 1.0)]
    shown += [
        (Labelled(part, structures[name][part], inks[name]), HOLDING if name in holding else BESIDE)
        for name, part in parts.items()
        if part is not None
    ]
    solids = [solid_of(one, image.affine, density=own, finest_mm=PIXELS * size / SIDE) for one, own in shown]
    side = _sideways(solids)
    seen_from = (
        ("from the front", FRONT),
        ("from the left" if side > 0 else "from the right", side * LEFT),
        across(near, side),
    )
    pictures: list[NDArray[np.uint8]] = []
    for words, towards in seen_from:
        plane = standing(towards, points, side=SIDE, side_mm=size)
        canvas = canvas_of(seen(solids, plane))
        _draw_distances(canvas, plane, near, inks, told=len(pictures) == len(seen_from) - 1)
        write_directions(canvas, plane, image, words)
        pictures.append(canvas.pixels())
    row = joined(pictures, axis=1)
    drawn = [name for name, part in parts.items() if part is not None]
    return joined([row, legend_strip(_named(inks, margins, drawn), row.shape[1])], axis=0)


def between(mask: BoolArray, affine: FloatArray, low_mm: float, high_mm: float) -> Part | None:
    """The box around what of a mask lies between two heights, and a little more where slices are tilted; None where
    nothing does.

    Args:
        mask: (depth, height, width).
        affine: (4, 4), array index to LPS mm.
        low_mm: Towards the feet, LPS.
        high_mm: Towards the head.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    upwards = affine[2, :3]
    axis = int(np.abs(upwards).argmax())
    beside = [upwards[one] * np.array([box[one].start, box[one].stop - 1]) for one in range(3) if one != axis]
    at = affine[2, 3] + upwards[axis] * np.arange(box[axis].start, box[axis].stop)
    low, high = at + sum(ends.min() for ends in beside), at + sum(ends.max() for ends in beside)
    places = np.flatnonzero((high >= low_mm) & (low <= high_mm)) + box[axis].start
    if not len(places):
        return None
    sides = list(box)
    sides[axis] = slice(int(places[0]), int(places[-1]) + 1)
    part = sides[0], sides[1], sides[2]
    inner = bounding_box(mask[part])
    return None if inner is None else within(part, inner)


def apart(margins: Sequence[Margin]) -> Margin | None:
    """The nearest of the structures that the lesion does not meet."""
    return min((one for one in margins if not one.meets), key=lambda one: one.minimum_mm, default=None)


def across(margins: Sequence[Margin], side: float) -> tuple[str, FloatArray]:
    """From where the smallest distance that is one is seen in its full length, from the front rather than the back;
    where there is none half from a side: in words and as a direction (3,), LPS.

    Args:
        margins: To what is near.
        side: 1 for the patient's left, -1 for the right.
    """
    closest = apart(margins)
    if closest is None:
        return "", FRONT + side * LEFT
    line = np.subtract(closest.closest.structure_mm, closest.closest.lesion_mm)
    towards = np.array((-line[1], line[0], 0.0))
    if np.linalg.norm(towards) < 1e-3 * np.linalg.norm(line):  # upright: seen so from every side
        towards = FRONT + side * LEFT
    words = "across the smallest distance" + (" above 0 mm" if any(one.meets for one in margins) else "")
    return words, towards if towards[1] <= 0 else -towards


def _ends(margin: Margin) -> FloatArray:
    """The two points that are closest, (2, 3), LPS mm, the lesion's first."""
    return np.array([margin.closest.lesion_mm, margin.closest.structure_mm])


def _draw_distances(
    canvas: Canvas, plane: Plane, near: Sequence[Margin], inks: Mapping[str, Colour], *, told: bool
) -> None:
    """Draw lines between the closest points, that of the smallest distance over the others.

    Args:
        canvas: Of the picture.
        plane: What it shows.
        near: To what there are lines.
        inks: Of structures.
        told: Whether the smallest distance is written beside its line.
    """
    closest = apart(near)
    for one in sorted(near, key=lambda one: one is closest):
        start, stop = (plane.pixel_of(end) for end in _ends(one))
        words = f"{one.minimum_mm:.1f} mm" if told and one is closest else ""
        canvas.distance(start, stop, inks[one.structure], words, dashed=False)


def ink_of(number: int) -> Colour:
    """Of a structure: the colours in turn, and then paler ones."""
    red, green, blue = _INKS[number % len(_INKS)]
    if number // len(_INKS) % 2:
        return (red + 255) // 2, (green + 255) // 2, (blue + 255) // 2
    return red, green, blue


def _sideways(solids: Sequence[Solid]) -> float:
    """The side of all that is shown on which a lesion lies, the first solid: 1 for the patient's left, else -1."""
    across = [solid.net.points_mm[:, 0] for solid in solids]
    lesion, whole = across[0], np.concatenate(across)
    return 1.0 if float(lesion.min() + lesion.max()) >= float(whole.min() + whole.max()) else -1.0


def _named(inks: Mapping[str, Colour], margins: Sequence[Margin], drawn: Sequence[str]) -> list[tuple[Colour, str]]:
    """The lesion; structures, the nearest first, with their distances; and those that are drawn and have none."""
    ordered = sorted(margins, key=lambda one: one.minimum_mm)
    told = {one.structure: f"{one.structure} {one.minimum_mm:.1f} mm" for one in ordered}
    names = {**told, **{name: name for name in drawn if name not in told}}
    return [(LESION, "lesion"), *((inks[name], words) for name, words in names.items())]
