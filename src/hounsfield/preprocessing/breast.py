"""The breast on a mammogram: where it lies, everything else set to 0, turned to one side, cut out.

The region is found on a picture of 256 pixels: a level just above the film's own background separates what is there
from what is not; an opening frees the breast from labels, frames and the bright strips of a scanner; the largest piece
is the breast. On 256 films of mini-MIAS the result agrees with outlines made by multi-atlas registration to a Dice of
0.98 (docs/preprocessing.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import ImageError
from hounsfield.image import Image
from hounsfield.preprocessing.grid import crop, flip
from hounsfield.preprocessing.pectoral import pectoral_muscle
from hounsfield.preprocessing.step import refuse, require_planar

Side = Literal["left", "right"]

_WORKING_SIDE = 256
"""Longer side, in pixels, of the picture on which the region is sought: one pixel is about 1 mm of breast."""
_ABOVE_BACKGROUND = 0.03
"""What counts as tissue lies so much above the background, as a part of the film's range: the skin line included."""
_OPENING = 13
"""Pixels of the working picture: strips, frames and letters narrower than this are cut from the breast."""
_FRAME_DEPTH = 6
"""Rows or columns at each border of the working picture that are looked at for a film's bright edge."""
_FRAME_LEVEL = 0.4
"""Mean level, as a part of the film's range, above which a border line without breast is a film's bright edge."""


@dataclass(frozen=True)
class BreastRegion:
    """The breast alone: background exactly 0, labels and markers gone, turned to one side, cut out."""

    step: ClassVar[str] = "breast"

    side: Literal["left", "right", "as_is"] = "left"
    """On which side of the picture the chest wall comes to lie; "as_is" turns nothing."""
    pectoral: Literal["keep", "remove"] = "keep"
    """"remove" also sets the pectoral muscle to 0, except on films that say they are CC views."""
    crop: bool = True
    """Whether the picture is cut to the breast."""
    margin: float = 0.02
    """Room around the breast when cut, as a part of its longer side, 0 to 1; it never reaches beyond the film."""

    def __post_init__(self) -> None:
        if self.side not in ("left", "right", "as_is"):
            raise refuse(self.step, "side", self.side, '"left", "right" or "as_is"')
        if self.pectoral not in ("keep", "remove"):
            raise refuse(self.step, "pectoral", self.pectoral, '"keep" or "remove"')
        if not 0 <= self.margin <= 1:
            raise refuse(self.step, "margin", self.margin, "a number in 0 to 1")

    def apply(self, image: Image) -> Image:
        """The image of the breast; the affine follows the turn and the cut.

        Raises:
            ImageError: There is no breast on it.
            ShapeError: The image is a volume.
        """
        breast = region(image)
        chest = chest_side(breast)
        if self.pectoral == "remove" and image.source.view.upper() not in ("CC", "XCCL", "XCCM", "FB"):
            breast = breast & ~pectoral_muscle(_grey(image), breast, chest_on_left=chest == "left")
        if self.crop:
            start, stop = _bounds(breast, self.margin)
            image, breast = crop(image, start, stop), breast[start[1] : stop[1], start[2] : stop[2]]
        voxels = np.zeros(image.voxels.shape, dtype=image.voxels.dtype)
        np.copyto(voxels, image.voxels, where=breast)
        cleared = replace(image, voxels=voxels)
        return cleared if self.side in ("as_is", chest) else flip(cleared, axis=2)


def region(image: Image) -> BoolArray:
    """Where the breast lies, (height, width), the pectoral muscle included, labels, frames and background not.

    Args:
        image: A planar mammogram of any number type, bright is dense; several channels are averaged.

    Raises:
        ImageError: There is no breast: the image shows one grey level only, or nothing but small pieces.
        ShapeError: The image is a volume.
    """
    require_planar("breast", image)
    height, width = image.shape[1:]
    levels = _levels(_working_picture(_grey(image)))
    if levels is None:
        raise _no_breast(image, "it shows one grey level only")
    tissue = (levels > _background_level(levels) + _ABOVE_BACKGROUND).astype(np.uint8)
    breast = _largest_body(tissue)
    if not breast.any():
        raise _no_breast(image, "nothing on it is larger than a label")
    return _smooth_outline(_filled(_without_frame(breast, tissue, levels)), height, width)


def chest_side(breast: BoolArray) -> Side:
    """The side of the picture on which the chest wall lies, told by where the region is higher.

    Args:
        breast: (height, width), from `region`, not empty.
    """
    columns = np.flatnonzero(breast.any(axis=0))
    quarter = max(1, (columns[-1] + 1 - columns[0]) // 4)
    left = np.count_nonzero(breast[:, columns[0] : columns[0] + quarter])
    right = np.count_nonzero(breast[:, columns[-1] + 1 - quarter : columns[-1] + 1])
    return "left" if left >= right else "right"


def _grey(image: Image) -> FloatArray:
    planes = image.voxels[:, 0]
    return np.asarray(planes[0] if len(planes) == 1 else planes.mean(axis=0, dtype=np.float32))


def _working_picture(plane: FloatArray) -> FloatArray:
    """The film in float32 with 256 pixels on its longer side (smaller films as they are), single specks removed."""
    import cv2

    scale = min(1.0, _WORKING_SIDE / max(plane.shape))
    size = max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale))
    fits = plane.dtype in (np.uint8, np.uint16, np.int16, np.float32)
    small = cv2.resize(plane if fits else plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.medianBlur(np.asarray(small, dtype=np.float32), 3))


def _levels(picture: FloatArray) -> FloatArray | None:
    """Grey levels from 0, the darkest, to 1, the 99.5th percentile; None when all are equal."""
    low, high = float(picture.min()), float(np.percentile(picture, 99.5))
    high = high if high > low else float(picture.max())
    return np.clip((picture - low) / (high - low), 0, 1) if high > low else None


def _background_level(levels: FloatArray) -> float:
    """The most frequent dark level. Exact zeros (padding, a cleared background) do not count unless they are all."""
    dark = levels[(levels > 0.004) & (levels < 0.1)]
    if dark.size < 0.03 * levels.size:
        return 0.0
    counts = np.histogram(dark, bins=20, range=(0, 0.1))[0]
    return float((counts.argmax() + 0.5) / 200)


def _disc(size: int) -> IntArray:
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))


def _largest_body(tissue: IntArray) -> IntArray:
    """The largest piece that stays when all that is thin is cut off, grown back to its own edge."""
    import cv2

    size = min(_OPENING, 2 * (min(tissue.shape) // 8) + 1)
    # Beyond the border there is nothing: a strip along the film's edge must not be held there.
    opened = cv2.morphologyEx(tissue, cv2.MORPH_OPEN, _disc(size), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    body = _largest_piece(np.asarray(opened))
    return _largest_piece(np.asarray(cv2.dilate(body, _disc(size)), dtype=np.uint8) & tissue)


def _largest_piece(mask: IntArray) -> IntArray:
    import cv2

    count, labels, table, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask), connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    largest = np.equal(labels, 1 + int(table[1:, cv2.CC_STAT_AREA].argmax()))
    return largest.astype(np.uint8)


def _without_frame(breast: IntArray, tissue: IntArray, levels: FloatArray) -> IntArray:
    """The breast without those lines at the film's borders that are bright where there is no breast at all."""
    cleared = breast.copy()
    for turns in range(4):
        mask, tissue_here, level = (np.rot90(array, turns) for array in (cleared, tissue, levels))
        if len(mask) <= 2 * _FRAME_DEPTH:
            continue
        beside = mask[_FRAME_DEPTH] == 0
        if np.count_nonzero(beside) < 8:
            continue
        for line in np.flatnonzero(tissue_here[:_FRAME_DEPTH, beside].mean(axis=1) > 0.5):
            if level[line][beside].mean() > _FRAME_LEVEL:
                mask[line] = 0  # a view: rot90 turns, it does not copy
    return _largest_piece(cleared)


def _filled(mask: IntArray) -> IntArray:
    """The mask with every hole that does not reach the border closed."""
    import cv2

    framed = np.asarray(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0))
    cv2.floodFill(framed, None, (0, 0), 2)  # round the mask, and in from every border
    return np.not_equal(framed[1:-1, 1:-1], 2).astype(np.uint8)


def _smooth_outline(mask: IntArray, height: int, width: int) -> BoolArray:
    import cv2

    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)) > 0.5


def _bounds(breast: BoolArray, margin: float) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First and last index (exclusive), (d, h, w), of the region with its margin, inside the film."""
    rows, columns = np.flatnonzero(breast.any(axis=1)), np.flatnonzero(breast.any(axis=0))
    room = round(margin * max(rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]))
    top, bottom = max(0, rows[0] - room), min(breast.shape[0], rows[-1] + 1 + room)
    left, right = max(0, columns[0] - room), min(breast.shape[1], columns[-1] + 1 + room)
    return (0, int(top), int(left)), (1, int(bottom), int(right))


def _no_breast(image: Image, reason: str) -> ImageError:
    height, width = image.shape[1:]
    return ImageError(
        f"{image.source.path or 'image'}: no breast was found on this film of {height} x {width} pixels: {reason}; "
        "leave the film out, or leave the step 'breast' out of the plan"
    )
