"""Parallel planes as a volume: their order along the normal, and whether they are evenly spaced.

Used for the files of a DICOM series and for the frames of an enhanced one. Names of files and instance numbers are
never looked at: the position says where a slice lies (PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import GeometryError

LEAST_SLICES = 3
"""With two slices nobody can tell whether one between them is missing."""
ORIENTATION_TOLERANCE = 1e-3
"""Largest difference between direction cosines of slices that count as parallel; 0.06 degrees."""
PIXEL_SPACING_TOLERANCE = 1e-3
"""Largest relative difference between the pixel spacings of one volume."""
DOUBLED_TOLERANCE = 0.05
"""Slices closer than this part of the usual distance lie in the same place."""
SPACING_TOLERANCE = 0.05
"""How far from its even place a slice may lie, as a part of the usual distance: positions are often rounded."""
TILT_TOLERANCE_DEGREES = 0.1
"""Largest angle between the way the slices are stacked and their normal."""
SIDEWAYS_TOLERANCE_MM = 0.1
"""How far a slice may lie beside the line through the first and the last."""
_NAMED = 4
"""Messages name this many slices, then count the rest."""


@dataclass(frozen=True)
class Plane:
    """One slice of a volume."""

    label: str
    """How messages name it: a file name, or "frame 3"."""
    position_mm: tuple[float, ...]
    """(3,), LPS, centre of the first pixel."""
    orientation: tuple[float, ...]
    """(6,), direction in which the columns follow each other, then the rows."""
    pixel_spacing_mm: tuple[float, ...]
    """(row distance, column distance)."""
    rows: int
    columns: int


def stack(planes: Sequence[Plane], name: str) -> tuple[IntArray, FloatArray]:
    """Order of the planes along their normal, (n,), and the affine of the volume, (4, 4).

    Args:
        planes: At least `LEAST_SLICES`.
        name: The series or file, for messages.

    Raises:
        GeometryError: They do not make an even volume; the message says why and names the slices.
    """
    _check_alike(planes, name)
    if len(planes) < LEAST_SLICES:
        raise GeometryError(
            f"{name}: only {len(planes)} slices ({_list([plane.label for plane in planes])}), too few for a volume: "
            f"even spacing cannot be checked below {LEAST_SLICES}; add the missing slices, or read the files one by one"
        )
    axes = plane_axes(planes[0].orientation, name)
    positions = np.asarray([plane.position_mm for plane in planes], dtype=np.float64)
    heights = positions @ axes[:, 0]
    order = np.argsort(heights, kind="stable")
    labels = [f"{planes[index].label} (at {heights[index]:.2f} mm)" for index in order]
    heights, positions = heights[order], positions[order]
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    _check_doubled(gaps, usual, labels, name)
    _check_tilt(positions, axes[:, 0], name)
    _check_gaps(gaps, usual, labels, name)
    distance = float(heights[-1] - heights[0]) / (len(planes) - 1)
    _check_places(heights, distance, labels, name)
    return order, plane_affine(planes[int(order[0])], distance, name)


def plane_axes(orientation: Sequence[float], name: str) -> FloatArray:
    """(3, 3), columns: unit vectors along which depth, height and width grow.

    Depth grows along the cross product of the row and the column direction, so that the axes are right-handed.

    Raises:
        GeometryError: The six numbers are not two unit vectors at a right angle.
    """
    width, height = np.asarray(orientation[:3], dtype=np.float64), np.asarray(orientation[3:], dtype=np.float64)
    lengths = np.linalg.norm(width), np.linalg.norm(height)
    bad_length = max(abs(lengths[0] - 1), abs(lengths[1] - 1)) > ORIENTATION_TOLERANCE
    if bad_length or not np.isfinite(lengths).all() or abs(width @ height) > ORIENTATION_TOLERANCE:
        raise GeometryError(
            f"{name}: its orientation {tuple(round(float(part), 4) for part in orientation)} is not two unit vectors "
            "at a right angle; the header is wrong, export the images again"
        )
    width, height = width / lengths[0], height / lengths[1]
    normal = np.cross(width, height)
    return np.stack([normal / np.linalg.norm(normal), height, width], axis=1)


def plane_affine(first: Plane, distance_mm: float, name: str) -> FloatArray:
    """Affine, (4, 4), of a volume that begins with this plane and goes on along its normal."""
    spacing = np.asarray([distance_mm, *first.pixel_spacing_mm], dtype=np.float64)
    if spacing.shape != (3,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
        raise GeometryError(f"{name}: pixel spacing {first.pixel_spacing_mm} is not two distances above 0 mm")
    affine = np.eye(4)
    affine[:3, :3] = plane_axes(first.orientation, name) * spacing
    affine[:3, 3] = first.position_mm
    return affine


def _check_alike(planes: Sequence[Plane], name: str) -> None:
    _check_one(
        np.asarray([(plane.rows, plane.columns) for plane in planes], dtype=np.float64), planes, name,
        what="sizes", tolerance=0, show=lambda row: f"{row[0]:.0f} x {row[1]:.0f}",
    )  # fmt: skip
    _check_one(
        np.asarray([plane.orientation for plane in planes], dtype=np.float64), planes, name,
        what="orientations", tolerance=ORIENTATION_TOLERANCE, show=_direction,
    )  # fmt: skip
    spacings = np.asarray([plane.pixel_spacing_mm for plane in planes], dtype=np.float64)
    _check_one(
        spacings, planes, name, what="pixel spacings",
        tolerance=PIXEL_SPACING_TOLERANCE * float(spacings[0].max(initial=0)),
        show=lambda row: f"{row[0]:.4g} x {row[1]:.4g} mm",
    )  # fmt: skip


def _check_one(
    rows: FloatArray,
    planes: Sequence[Plane],
    name: str,
    *,
    what: str,
    tolerance: float,
    show: Callable[[FloatArray], str],
) -> None:
    differs = np.abs(rows - rows[0]).max(axis=1) > tolerance
    if not differs.any():
        return
    one = [plane.label for plane, other in zip(planes, differs, strict=True) if not other]
    two = [plane.label for plane, other in zip(planes, differs, strict=True) if other]
    raise GeometryError(
        f"{name}: mixed {what}: {show(rows[0])} in {_list(one)}, {show(rows[differs][0])} in {_list(two)}; "
        "a volume needs one, so put each group into a folder of its own"
    )


def _direction(row: FloatArray) -> str:
    normal = np.cross(row[:3], row[3:])
    axis = ("sagittal", "coronal", "axial")[int(np.abs(normal).argmax())]
    return f"{axis} (normal {normal[0]:.3f}, {normal[1]:.3f}, {normal[2]:.3f})"


def _check_doubled(gaps: FloatArray, usual: float, labels: Sequence[str], name: str) -> None:
    doubled = np.flatnonzero(gaps <= max(DOUBLED_TOLERANCE * usual, 1e-6))
    if doubled.size:
        pairs = [f"{labels[index]} and {labels[index + 1]}" for index in doubled.tolist()]
        raise GeometryError(
            f"{name}: {doubled.size} slices are doubled, they lie in the same place as another: {_list(pairs)}; "
            "keep one of each, or separate the acquisitions (times, echoes, reconstructions) into folders"
        )


def _check_tilt(positions: FloatArray, normal: FloatArray, name: str) -> None:
    way = positions[-1] - positions[0]
    along = float(way @ normal)
    sideways = float(np.linalg.norm(way - along * normal))
    degrees = float(np.degrees(np.arctan2(sideways, along)))
    line = positions[0] + np.outer((positions - positions[0]) @ normal / along, way)
    beside = float(np.linalg.norm(positions - line, axis=1).max())
    if beside > SIDEWAYS_TOLERANCE_MM:
        raise GeometryError(
            f"{name}: the slices are shifted sideways against each other by up to {beside:.2f} mm; "
            "they are not one acquisition, separate them"
        )
    if degrees > TILT_TOLERANCE_DEGREES:
        raise GeometryError(
            f"{name}: gantry tilt of {degrees:.1f} degrees: each slice is shifted sideways against the one before, "
            "so the voxels are sheared; correct the tilt (resample the series) first"
        )


def _check_gaps(gaps: FloatArray, usual: float, labels: Sequence[str], name: str) -> None:
    wrong = np.flatnonzero(np.abs(gaps - usual) > 2 * SPACING_TOLERANCE * usual)
    if not wrong.size:
        return
    multiples = gaps[wrong] / usual
    missing = np.rint(multiples) - 1
    places = [f"{gaps[index]:.2f} mm between {labels[index]} and {labels[index + 1]}" for index in wrong.tolist()]
    if (missing >= 1).all() and np.abs(multiples - np.rint(multiples)).max() <= 2 * SPACING_TOLERANCE:
        count = int(missing.sum())
        raise GeometryError(
            f"{name}: {count} {'slice is' if count == 1 else 'slices are'} missing: {_list(places)}, where the others "
            f"are {usual:.2f} mm apart; send the series again"
        )
    raise GeometryError(
        f"{name}: uneven slice spacing, usually {usual:.2f} mm: {_list(places)}; "
        "resample the series to even spacing first"
    )


def _check_places(heights: FloatArray, distance: float, labels: Sequence[str], name: str) -> None:
    off = np.abs(heights - (heights[0] + distance * np.arange(len(heights))))
    worst = int(off.argmax())
    if off[worst] > 2 * SPACING_TOLERANCE * distance:
        raise GeometryError(
            f"{name}: uneven slice spacing: {labels[worst]} lies {off[worst]:.2f} mm from its even place, slices are "
            f"{distance:.2f} mm apart; resample the series to even spacing first"
        )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
