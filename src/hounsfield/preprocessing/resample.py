"""Images on another grid: a fixed shape for a network, or a fixed spacing.

Shrinking takes the mean over the area of each new voxel, so that nothing flickers (antialiasing); enlarging is linear.
Both go axis by axis, so that volumes and planar images follow one rule. The outer borders of the grid stay in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, Literal

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.errors import GeometryError, ShapeError
from hounsfield.image import Image
from hounsfield.preprocessing.dtype import as_type
from hounsfield.preprocessing.grid import crop
from hounsfield.preprocessing.sketch import Sketch
from hounsfield.preprocessing.step import refuse


@dataclass(frozen=True)
class Resize:
    """A fixed shape, with the image's proportions kept and the rest filled with 0, or stretched."""

    step: ClassVar[str] = "resize"

    shape: tuple[int, ...] = (256, 256)
    """(height, width) for planar images, (depth, height, width) for volumes, each 1 or more."""
    keep_aspect: bool = True
    """Whether all axes are scaled by the same factor (pixels, not mm) and the shorter ones filled up."""
    anchor: Literal["center", "start"] = "center"
    """Where the image lies in a filled-up shape; "start" keeps a chest wall turned left at the left border."""

    def __post_init__(self) -> None:
        if len(self.shape) not in (2, 3) or min(self.shape) < 1:
            raise refuse(self.step, "shape", self.shape, "two or three whole numbers, 1 or more")
        if self.anchor not in ("center", "start"):
            raise refuse(self.step, "anchor", self.anchor, '"center" or "start"')

    def apply(self, image: Image) -> Image:
        """The image in the wanted shape.

        Raises:
            ShapeError: Two numbers were asked for and the image is a volume.
        """
        if len(self.shape) == 2 and not image.planar:
            raise ShapeError(
                f"step 'resize' was given (height, width) = {self.shape}, but the image is a volume of shape "
                f"{image.shape}; give (depth, height, width)"
            )
        wanted = self._wanted
        if not self.keep_aspect:
            return resize(image, wanted)
        fitting = _fitting(image.shape, wanted)
        inner = resize(image, fitting)
        free = [total - used for total, used in zip(wanted, fitting, strict=True)]
        before = [0 if self.anchor == "start" else room // 2 for room in free]
        stop = [total - room for total, room in zip(wanted, before, strict=True)]
        return crop(inner, (-before[0], -before[1], -before[2]), (stop[0], stop[1], stop[2]))

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """As `resize_need`, and then the image in its frame."""
        if not self.keep_aspect:
            return resize_need(image, self._wanted)
        more, inner = resize_need(image, _fitting(image.shape, self._wanted))
        found = replace(inner, shape=self._wanted).in_type(image.dtype)
        return max(more, inner.kept + found.kept), found

    @property
    def _wanted(self) -> tuple[int, int, int]:
        """(d, h, w)."""
        depth, height, width = (1, *self.shape) if len(self.shape) == 2 else self.shape
        return depth, height, width


@dataclass(frozen=True)
class Spacing:
    """A fixed spacing in mm; the number of voxels is rounded, so the spacing reached differs by up to half a voxel in
    the image's length."""

    step: ClassVar[str] = "spacing"

    mm: tuple[float, ...] = (1.0,)
    """One number for all axes, (height, width) for planar images, or (depth, height, width); each > 0."""

    def __post_init__(self) -> None:
        if len(self.mm) not in (1, 2, 3) or not all(np.isfinite(mm) and mm > 0 for mm in self.mm):
            raise refuse(self.step, "mm", self.mm, "one, two or three numbers above 0")

    def apply(self, image: Image) -> Image:
        """The image on the new grid; a planar image keeps its single slice.

        Raises:
            GeometryError: The image does not know its spacing.
            ShapeError: Two numbers were given and the image is a volume.
        """
        if image.spacing_kind == "none":
            raise GeometryError(
                f"{image.source.path or 'image'} does not say how large its pixels are, so no spacing in mm can be "
                "set; use the step 'resize'"
            )
        if len(self.mm) == 2 and not image.planar:
            raise ShapeError("step 'spacing' was given (height, width), but the image is a volume; give three numbers")
        return resize(image, self._shape(image.shape, image.spacing_mm))

    def need(self, image: Sketch) -> tuple[int, Sketch]:
        """As `resize_need`."""
        if image.spacing_kind == "none":  # refused
            return 0, image
        return resize_need(image, self._shape(image.shape, image.spacing_mm))

    def _shape(self, shape: tuple[int, int, int], spacing: Sequence[float]) -> tuple[int, int, int]:
        """(d, h, w) that an image of a shape and a spacing gets."""
        goal = self.mm * 3 if len(self.mm) == 1 else (1.0,) * (3 - len(self.mm)) + self.mm
        depth, height, width = (
            max(1, round(length * now / then)) for length, now, then in zip(shape, spacing, goal, strict=True)
        )
        return 1 if shape[0] == 1 else depth, height, width


def resize(image: Image, shape: tuple[int, int, int]) -> Image:
    """The image resampled to `shape`, (d, h, w), mean over areas where it shrinks, linear where it grows.

    The type of the numbers is kept, whole numbers are rounded.
    """
    if shape == image.shape:
        return image
    channels = [as_type(resize_array(channel, shape), image.voxels.dtype) for channel in image.voxels]
    voxels = channels[0][np.newaxis] if len(channels) == 1 else np.stack(channels)
    return replace(image, voxels=voxels, affine=geometry.resized(image.affine, image.shape, shape))


def resize_need(image: Sketch, shape: tuple[int, int, int]) -> tuple[int, Sketch]:
    """Bytes that `resize` takes at most beside the image, and its result: slices first, then their depth, then the
    type; of several channels all, and then a copy of them together."""
    if shape == image.shape:
        return 0, image
    found = replace(image, shape=shape, spacing_mm=_resized_mm(image, shape)).in_type(image.dtype)
    each = prod(shape)
    slices = 4 * image.shape[0] * shape[1] * shape[2]
    deep = 0 if shape[0] == image.shape[0] else 4 * each
    typed = 0 if image.dtype == np.float32 else (8 + image.dtype.itemsize) * each
    one = max(slices + deep, (deep or slices) + typed)
    before = found.kept // image.channels * (image.channels - 1)
    return max(before + one, 2 * found.kept if image.channels > 1 else 0), found


def _resized_mm(image: Sketch, shape: tuple[int, int, int]) -> tuple[float, float, float]:
    depth, height, width = (
        space * old / new for space, old, new in zip(image.spacing_mm, image.shape, shape, strict=True)
    )
    return depth, height, width


def resize_array(volume: VoxelArray, shape: tuple[int, int, int]) -> FloatArray:
    """A (d, h, w) array resampled to `shape` in float32, as `resize`."""
    slices: FloatArray = np.empty((len(volume), *shape[1:]), dtype=np.float32)
    for plane, resized in zip(volume, slices, strict=True):
        resized[:] = _resize_plane(plane.astype(np.float32, copy=False), shape[1], shape[2])
    if shape[0] == volume.shape[0]:
        return slices
    columns = np.ascontiguousarray(slices.reshape(len(slices), -1))
    return _resize_plane(columns, shape[0], columns.shape[1]).reshape(shape)


def _resize_plane(plane: FloatArray, height: int, width: int) -> FloatArray:
    """Axis by axis, for OpenCV's area mean turns into something else as soon as one axis grows."""
    import cv2

    for size in ((width, plane.shape[0]), (width, height)):
        if size != (plane.shape[1], plane.shape[0]):
            shrinks = size[0] < plane.shape[1] or size[1] < plane.shape[0]
            plane = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
    return plane


def _fitting(old: tuple[int, int, int], room: tuple[int, int, int]) -> tuple[int, int, int]:
    """The largest shape of the old one's proportions inside `room`; a single slice stays single."""
    axes = range(3) if old[0] > 1 or room[0] > 1 else range(1, 3)
    factor = min(room[axis] / old[axis] for axis in axes)
    depth, height, width = (min(limit, max(1, round(factor * length))) for length, limit in zip(old, room, strict=True))
    return depth, height, width
