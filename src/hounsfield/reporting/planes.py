"""Outlines over an image: one slice of a flat image, three planes of a volume, with the lines of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hounsfield.arrays import BoolArray, IntArray
from hounsfield.findings.box import bounding_box
from hounsfield.image import Image, Mask, Window
from hounsfield.reporting.colours import DARK, Colour
from hounsfield.reporting.pictures import film_pixels

COLOURS: tuple[Colour, ...] = (
    (64, 214, 196), (255, 122, 60), (180, 140, 255), (120, 220, 90), (255, 90, 150), (90, 170, 255), (240, 210, 80),
)  # fmt: skip
"""Of labels, or of instances, in their order, again from the first where there are more."""

TRUTH = (255, 255, 255)

_GAP = 6
_PLANES = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""Of a volume: slices as stored, then the planes along the other two axes; first the axis that is cut."""


def outlined_pixels(
    image: Image, found: Mask, truth: Mask | None = None, *, centre: Sequence[int], max_side: int
) -> NDArray[np.uint8]:
    """(height, width, 3): a slice; of a volume three planes through a place, the slice at the left.

    Args:
        image: As stored.
        found: What was outlined, drawn in colours.
        truth: What is there, drawn in white under it.
        centre: (d, h, w), the place.
        max_side: Pixels along the longer side of a plane.
    """
    drawn = [Drawn(found, COLOURS)]
    if truth is not None:
        drawn.insert(0, Drawn(truth, (TRUTH,), width=1))
    return planes_through(image, drawn, centre=centre, max_side=max_side)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A mask, and how its lines are drawn."""

    mask: Mask
    colours: Sequence[Colour]
    """Of its labels, or of instances, in turn."""
    width: int = 2


def planes_through(
    image: Image, drawn: Sequence[Drawn], *, centre: Sequence[int], max_side: int, window: Window | None = None
) -> NDArray[np.uint8]:
    """As `outlined_pixels`, with the lines of any masks.

    Args:
        image: As stored.
        drawn: One over another.
        centre: (d, h, w), the place.
        max_side: Pixels along the longest side of all planes, which are of one scale.
        window: One that fits the image where not given.
    """
    if image.planar:
        return _plane(drawn, (0, 1, 2), 0, film_pixels(image, depth_index=0, max_side=max_side, window=window))
    extents = np.array(image.shape) * image.spacing_mm
    sides = np.maximum(1, np.rint(extents * max_side / extents.max())).astype(int).tolist()
    planes = []
    for order in _PLANES:
        index, size = int(centre[order[0]]), (sides[order[1]], sides[order[2]])
        pixels = film_pixels(_turned(image, order), depth_index=index, window=window, size=size)
        plane = _plane(drawn, order, index, pixels)
        planes.append(plane[::-1] if order[0] and _rises(image) else plane)
    return joined([planes[0], joined(planes[1:], axis=0)], axis=1)


def joined(pictures: Sequence[NDArray[np.uint8]], *, axis: int) -> NDArray[np.uint8]:
    """Pictures (height, width, 3) one after another along an axis, each in the middle of what the largest takes."""
    across = 1 - axis
    largest = max(picture.shape[across] for picture in pictures)
    parts: list[NDArray[np.uint8]] = []
    for picture in pictures:
        space = largest - picture.shape[across]
        spare = [(0, 0)] * 3
        spare[across] = (space // 2, space - space // 2)
        gap = [largest, largest, 3]
        gap[axis] = _GAP
        parts += [np.pad(picture, spare), np.zeros(gap, dtype=np.uint8)]
    return np.concatenate(parts[:-1], axis=axis)


def middle_of(mask: Mask) -> tuple[int, int, int]:
    """The labelled place (d, h, w) next to where planes show most of what is labelled: of a label that lies within the
    bounds of all others, as a tumour does in its organ, else of all. The middle of the image where nothing is."""
    there = _innermost(mask)
    if not there.any():
        return there.shape[0] // 2, there.shape[1] // 2, there.shape[2] // 2
    depth, height, width = (
        int(np.argmax(np.count_nonzero(there, axis=tuple(other for other in range(3) if other != axis))))
        for axis in range(3)
    )
    places = np.argwhere(there[depth])
    row, column = places[np.abs(places - (height, width)).sum(axis=1).argmin()]
    return depth, int(row), int(column)


def _innermost(mask: Mask) -> BoolArray:
    """Where a label is that lies in the box of each of the others; where all are if none does."""
    whole: BoolArray = mask.labels > 0
    boxes = {} if mask.instances else {name: bounding_box(where) for name, where in mask.parts()}
    known = {name: box for name, box in boxes.items() if box is not None}
    for name, own in known.items():
        others = [box for other, box in known.items() if other != name]
        inside = (
            outer.start <= side.start and side.stop <= outer.stop
            for box in others
            for side, outer in zip(own, box, strict=True)
        )
        if others and all(inside):
            return next(where for other, where in mask.parts() if other == name)
    return whole


def _rises(image: Image) -> bool:
    """Whether slices go from the feet to the head: planes across them are then shown head up."""
    return image.spacing_kind == "patient" and float(image.affine[2, 0]) > 0


def _turned(image: Image, order: tuple[int, int, int]) -> Image:
    """The image with its axes in another order, its spacing with them."""
    columns = [*order, 3]
    return replace(
        image,
        voxels=image.voxels.transpose(0, *(axis + 1 for axis in order)),
        affine=np.ascontiguousarray(image.affine[:, columns]),
    )


def _plane(
    drawn: Sequence[Drawn], order: tuple[int, int, int], index: int, pixels: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The pixels of one plane across the first axis of `order`, with the lines of masks on them."""
    import cv2

    canvas = np.ascontiguousarray(np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels)
    size = (canvas.shape[1], canvas.shape[0])
    for one in drawn:
        flat = replace(one.mask, labels=one.mask.labels.transpose(order)[index][None])
        if flat.instances:
            _draw_instances(canvas, flat.labels[0], one.colours, one.width)
            continue
        for place, (_, where) in enumerate(flat.parts()):
            if not where.any():
                continue
            large = cv2.resize(where[0].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(canvas, lines, -1, DARK, one.width + 2)
            cv2.drawContours(canvas, lines, -1, one.colours[place % len(one.colours)], one.width)
    return canvas


def _draw_instances(drawn: NDArray[np.uint8], numbers: IntArray, colours: Sequence[Colour], width: int) -> None:
    """Draw a line of so many pixels along the inner edge of each object, in a colour by its number.

    Args:
        drawn: (height, width, 3), drawn on.
        numbers: (h, w), of the objects; 0 where there is none.
        colours: Of objects, in turn.
        width: Of the lines.
    """
    import cv2

    size = (drawn.shape[1], drawn.shape[0])
    places = np.unique(numbers, return_inverse=True)[1].reshape(numbers.shape)  # few enough for float32
    large = cv2.resize(places.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    there = cv2.resize((numbers > 0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    around = np.ones((2 * width + 1, 2 * width + 1), dtype=np.uint8)
    edge = there & (cv2.dilate(large, around) != cv2.erode(large, around))
    shade = ~there & (cv2.dilate(edge.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)) > 0)
    drawn[shade] = DARK
    drawn[edge] = np.array(colours, dtype=np.uint8)[large[edge].astype(np.int64) % len(colours)]
