"""`load`: the image that a reference points at, cut to its crop."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Crop, ImageRef
from hounsfield.datasets.channels import header_together, load_together
from hounsfield.datasets.npz import read_row
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Box, Point
from hounsfield.formats.header import Header
from hounsfield.image import Image, Source

_FILMS_KEPT = 4
"""Decoded films held while crops are cut from them; cases of one film follow each other in a data set."""


def load(ref: ImageRef, *, margin: float = 1.0) -> Image:
    """The image a reference points at: read, the row of an array picked, the crop cut.

    The voxels may be shared with other callers and are then read-only.

    Args:
        ref: What to read.
        margin: The crop's side is multiplied by it, so that an augmentation has something to turn in; > 0.

    Raises:
        DatasetError: The array or row does not exist, the crop's box is empty or outside the image, or the image has
            several channels and is to be cut.
        FormatError: The file is damaged or of an unknown format.
        GeometryError: The series is no regular grid, or channels cannot be put together.
    """
    if ref.channels:
        _require_whole(ref)
        return load_together(ref)
    if ref.array:
        image = _row(ref)
    elif ref.crop is None:
        return _read(ref.path, ref.series, ref.files)
    else:
        image = load_film(ref.path)
    return image if ref.crop is None else cut(image, ref.crop, margin=margin)


def header_of(ref: ImageRef) -> Header:
    """All that `load` would give of a whole image in a file or folder but its voxels.

    Raises:
        FormatError, GeometryError: As `load`, as far as it shows without the pixels.
    """
    from hounsfield import formats

    if ref.channels:
        return header_together(ref)
    return formats.header(ref.path, series=ref.series or None, files=ref.files)


def _require_whole(ref: ImageRef) -> None:
    """Accept an image of several channels that is not to be cut.

    Raises:
        DatasetError: It is.
    """
    if ref.crop is not None:
        raise DatasetError(
            f"{ref.path} is one of {len(ref.channels)} channels, and no square is cut out of several: leave out [crop] "
            "or lesions.epochs"
        )


def cut(image: Image, crop: Crop, *, margin: float = 1.0) -> Image:
    """The square around a box, `context * margin` times its longer side, 0 where it reaches over the border.

    Raises:
        DatasetError: The box is empty, turned round or wholly outside the image, or `margin` is not above 0.
    """
    depth, height, width = image.shape
    check_box(crop.box, (height, width), where=str(image.source.path or "image"))
    side = crop_side(crop, margin=margin)
    x, y = (round(middle - side / 2) for middle in crop.box.center)
    voxels = np.zeros((image.channels, depth, side, side), image.voxels.dtype)
    top, left = max(y, 0), max(x, 0)
    bottom, right = max(min(y + side, height), top), max(min(x + side, width), left)
    voxels[..., top - y : bottom - y, left - x : right - x] = image.voxels[..., top:bottom, left:right]
    return replace(image, voxels=voxels, affine=geometry.cropped(image.affine, (0, y, x)))


def crop_side(crop: Crop, *, margin: float = 1.0) -> int:
    """Side of the square in pixels, at least 1.

    Raises:
        DatasetError: `margin` or the crop's context is not a number above 0.
    """
    factor = crop.context * margin
    if not (math.isfinite(factor) and factor > 0):
        raise DatasetError(f"a crop's context and margin must be above 0, not {crop.context} and {margin}")
    return max(1, round(factor * max(crop.box.width, crop.box.height)))


def check_box(box: Box, size: tuple[int, ...] | None, *, where: str) -> None:
    """Accept a box that covers some of an image of `size`, (height, width) or (depth, height, width); of any image when
    that is None.

    Raises:
        DatasetError: The box is empty, turned round, not finite, or outside; the message begins with `where`.
    """
    corners = f"x {box.x0:g} to {box.x1:g}, y {box.y0:g} to {box.y1:g}"
    if not all(map(math.isfinite, (box.x0, box.y0, box.x1, box.y1))) or box.x1 <= box.x0 or box.y1 <= box.y0:
        raise DatasetError(f"{where}: the box {corners} is empty; x1 must be above x0 and y1 above y0")
    if not (math.isfinite(box.z0) and math.isfinite(box.z1)):
        raise DatasetError(f"{where}: the box from slice {box.z0:g} to {box.z1:g} has no end; give two numbers")
    if box.z1 <= box.z0:
        raise DatasetError(f"{where}: the box from slice {box.z0:g} to {box.z1:g} is empty; z1 must be above z0")
    if size is not None:
        *deep, height, width = size
        if deep and (box.z1 <= 0 or box.z0 >= deep[0]):
            raise DatasetError(
                f"{where}: the box from slice {box.z0:g} to {box.z1:g} lies outside the image of {deep[0]} slices; "
                "boxes count the slices of the image as it is stored, from 0"
            )
        spare = _OUTSIDE * max(height, width)
        if box.x0 < -spare or box.y0 < -spare or box.x1 > width + spare or box.y1 > height + spare:
            raise DatasetError(
                f"{where}: the box {corners} reaches far out of the image of {width} × {height} pixels (width × "
                "height); mend the number in the table"
            )
        if box.x1 <= 0 or box.y1 <= 0 or box.x0 >= width or box.y0 >= height:
            raise DatasetError(
                f"{where}: the box {corners} lies outside the image of {width} × {height} pixels (width × height); "
                "boxes count pixels of the image as it is stored, from its upper left corner"
            )


def check_point(point: Point, shape: tuple[int, int, int], *, where: str) -> None:
    """Accept a landmark that lies in an image of `shape` (depth, height, width).

    Raises:
        DatasetError: It does not; the message begins with `where`.
    """
    place = (point.z, point.y, point.x)
    if not all(0 <= value <= side for value, side in zip(place, shape, strict=True)):
        flat = shape[0] == 1
        found = ", ".join(
            f"{name} {value - 0.5:g}" for name, value in zip("zyx", place, strict=True) if name != "z" or not flat
        )
        size = " × ".join(map(str, shape[1:] if flat else shape))
        raise DatasetError(
            f"{where}: the landmark {point.label!r} at {found} lies outside the image of {size} "
            f"{'pixels (height × width)' if flat else 'voxels (depth × height × width)'}; landmarks count pixels of "
            "the image as it is stored, from 0"
        )


_OUTSIDE = 2.0
"""A box may reach over the border by this many times the longer side of the image; further is a typing error."""


def voxels_of_row(row: VoxelArray) -> VoxelArray:
    """(channel, depth, height, width) of one item of a MedMNIST array: (h, w), (h, w, 3) or (d, h, w)."""
    if row.ndim == 2:
        return row[None, None]
    if row.shape[-1] == 3:
        return np.moveaxis(row, -1, 0)[:, None]
    return row[None]


def _row(ref: ImageRef) -> Image:
    row = read_row(ref.path, ref.array, ref.index)
    source = Source(path=ref.path, format="npz", description=f"{ref.array}[{ref.index}]")
    return Image(voxels_of_row(row), geometry.planar_affine(), source=source)


def load_film(path: Path) -> Image:
    """The whole image in a file, of which the last few are held; its voxels are shared and read-only.

    Raises:
        DatasetError: There is no such file.
        FormatError, GeometryError: As `load`.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    return _kept_film(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=_FILMS_KEPT)
def _kept_film(path: Path, changed: int, size: int) -> Image:
    """`changed` and `size` are only there so that a rewritten file is read again."""
    return _read(path)


def _read(path: Path, series: str = "", files: tuple[Path, ...] = ()) -> Image:
    from hounsfield import formats

    return formats.read(path, series=series or None, files=files)
