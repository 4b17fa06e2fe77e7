"""Where the pixels of a frame lie on the grid of a volume, whatever the order and direction of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, IntArray, VoxelArray
from hounsfield.errors import GeometryError
from hounsfield.formats.drawing import Placed
from hounsfield.formats.stack import SPACING_TOLERANCE, Plane, plane_affine

OFF_GRID = 0.05
"""Share of a voxel that two grids may lie apart: files round their geometry."""
OFF_SLICE = 2 * SPACING_TOLERANCE
"""Share of the slice distance that a frame may lie off its slice: as far as a slice of a series off its even place."""


@dataclass(frozen=True, eq=False)
class FramePlace:
    """The voxels of a volume that a frame shows."""

    axes: tuple[int, int, int]
    """Axes of the volume, (d, h, w), that run across the frame, down its columns and along its rows."""
    depth: int
    """Of the frame along the first of them; may lie outside of the volume, as the next two."""
    rows: IntArray
    """(frame height,) index of each row along the second."""
    columns: IntArray
    """(frame width,) index of each column along the third."""

    def put(self, values: VoxelArray, volume: VoxelArray) -> int:
        """Write what is not 0 into a volume, (d, h, w); how many such pixels lie outside of it.

        Args:
            values: (frame height, frame width).
            volume: Changed.
        """
        rows, columns = self._inside(volume.shape)
        seen = values[np.ix_(rows, columns)]
        if seen.size:
            plane = np.moveaxis(volume, self.axes, (0, 1, 2))[self.depth]
            target = np.ix_(self.rows[rows], self.columns[columns])
            plane[target] = np.where(seen, seen, plane[target])
        return int(np.count_nonzero(values) - np.count_nonzero(seen))

    def inside(self, shape: tuple[int, ...]) -> BoolArray:
        """(frame height, frame width): which pixels lie in a volume of this shape."""
        rows, columns = self._inside(shape)
        return rows[:, np.newaxis] & columns

    def _inside(self, shape: tuple[int, ...]) -> tuple[BoolArray, BoolArray]:
        """Which rows and columns do; none where the frame lies before or behind the volume."""
        depth, height, width = (shape[axis] for axis in self.axes)
        there = 0 <= self.depth < depth
        return (
            there & (self.rows >= 0) & (self.rows < height),
            there & (self.columns >= 0) & (self.columns < width),
        )


def whole_slice(depth: int, image: Placed) -> FramePlace:
    """A frame that is a slice of the image, pixel for pixel."""
    return FramePlace((0, 1, 2), depth, np.arange(image.shape[1]), np.arange(image.shape[2]))


def frame_place(plane: Plane, image: Placed, path: Path) -> FramePlace:
    """Where a frame with a place in the patient lies on the image's grid.

    Args:
        plane: The frame's.
        image: Whose grid.
        path: The frame's file, for the message.

    Raises:
        GeometryError: Its pixels do not lie on voxels of the image.
    """
    onto = np.linalg.inv(image.affine) @ plane_affine(plane, 1.0, f"{path}, {plane.label}")
    steps, start = onto[:3, 1:3], onto[:3, 3]
    whole_steps, whole_start = np.rint(steps), np.rint(start)
    corners = np.array([[0, 0, plane.rows - 1, plane.rows - 1], [0, plane.columns - 1, 0, plane.columns - 1]])
    apart = (start - whole_start)[:, None] + (steps - whole_steps) @ corners
    spacing = geometry.spacing_mm(image.affine)
    limits = np.array([max(OFF_SLICE * spacing[0], OFF_GRID * min(spacing)), *[OFF_GRID * min(spacing)] * 2])
    apart_mm = np.abs(apart) * np.array(spacing)[:, None]
    worst = float(np.linalg.norm(apart_mm, axis=0).max())
    off = (apart_mm > limits[:, None]).any()
    along = np.abs(whole_steps)
    one_each = (along.sum(axis=0) == 1).all() and (along.sum(axis=1) <= 1).all()
    if not one_each or off:
        name = image.source.path or "the image"
        how = f"lie up to {worst:.2f} mm off its voxels" if one_each else "are larger, smaller or turned"
        raise GeometryError(
            f"{path} and {name} are not on one grid: the pixels of {plane.label} ({_times(plane.pixel_spacing_mm)} mm) "
            f"{how} ({_times(spacing)} mm, depth × height × width); give the image that it was drawn on, or resample "
            "the mask onto the image's grid, taking the nearest voxel"
        )
    down, across = (int(axis) for axis in along.argmax(axis=0))
    rows = whole_start[down] + whole_steps[down, 0] * np.arange(plane.rows)
    columns = whole_start[across] + whole_steps[across, 1] * np.arange(plane.columns)
    through = 3 - down - across
    return FramePlace((through, down, across), int(whole_start[through]), rows.astype(int), columns.astype(int))


def _times(lengths: tuple[float, ...]) -> str:
    return " × ".join(f"{length:.3g}" for length in lengths)
