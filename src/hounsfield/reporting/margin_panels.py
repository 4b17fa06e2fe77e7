"""The panels of a margin's picture: a cut through the image with outlines, and the closest distance as a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.findings.box import box_of_lesion, corners_of_lesion
from hounsfield.findings.contact_arc import touching_outline, whole_parts
from hounsfield.findings.surface import closed_surface
from hounsfield.findings.worksheet.answer import UNITS, CriterionAnswer
from hounsfield.image import Image, Window
from hounsfield.reporting.drawing import Canvas
from hounsfield.reporting.plane import Plane, centred, plane_through, sampled, sampled_mask, side_letters, slice_plane
from hounsfield.reporting.windowing import eight_bits, fitting_window

SIDE = 560
"""Pixels along a panel."""
LESION, STRUCTURE, LINE, TOUCH = (255, 200, 0), (64, 214, 196), (255, 255, 255), (255, 96, 64)
"""Colours on the dark image, of different lightness too."""

_AROUND_MM = 26.0
"""Shown around lesion and points, both sides together."""
_LEAST_MM = 50.0
_LINED = ("distance", "contact", "long_axis", "short_axis", "longest_diameter")
"""Measures whose two points are joined by a line."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture and what it is a picture of."""

    pixels: NDArray[np.uint8]
    """(560, 560, 3)."""
    caption: str


@dataclass(frozen=True, eq=False)
class Scene:
    """What is drawn."""

    image: Image
    lesion: BoolArray
    """(depth, height, width)."""
    structure: BoolArray | None
    answer: CriterionAnswer
    window: Window | None


def margin_panels(
    image: Image,
    lesion: BoolArray,
    structure: BoolArray | None,
    answer: CriterionAnswer,
    *,
    window: Window | None = None,
) -> list[Panel]:
    """The slice nearest to what was measured, and where its two points lie in different slices the plane through both.

    Args:
        image: As stored; of colour images the first channel is shown.
        lesion: (depth, height, width), on the image's grid.
        structure: The criterion's, or None.
        answer: What was measured.
        window: None takes the image's own, or one that fits the tissue around the lesion.
    """
    scene = Scene(image, lesion, structure, answer, window or tissue_window(image, lesion))
    ends = _ends(scene)
    index = geometry.index_from_world(image.affine, ends)
    depth = answer.slice_index
    if depth is None:
        depth = int(np.clip(round(float(index[0, 0])), 0, image.shape[0] - 1))
    in_slice = np.array([[depth, row, column] for _, row, column in index])
    flat = geometry.world_from_index(image.affine, in_slice)
    apart = answer.measure in _LINED and bool(np.abs(index[:, 0] - depth).max() > 0.75)
    side, pixel = _field(scene, flat)
    shown = np.concatenate([corners_of_lesion(scene.lesion, scene.image.affine), ends])
    across = centred(slice_plane(image.affine, flat[0], size_mm=(side, side), pixel_mm=pixel), shown)
    panels = [_panel(scene, across, flat, f"Slice {depth + 1} of {image.shape[0]}", depth, dashed=apart)]
    if apart:
        upright = plane_through(image.affine, ends[0], ends[1], size_mm=(side, side), pixel_mm=pixel)
        upright = centred(upright, shown)
        panels.append(_panel(scene, upright, ends, "Plane through both points", None, dashed=False))
    return panels


def _ends(scene: Scene) -> FloatArray:
    """The two points, (2, 3); the lesion's middle twice where nothing is joined."""
    answer = scene.answer
    if answer.measure in _LINED and answer.from_mm is not None and answer.to_mm is not None:
        return np.array([answer.from_mm, answer.to_mm])
    corners = corners_of_lesion(scene.lesion, scene.image.affine)
    return np.repeat(corners.mean(axis=0)[None], 2, axis=0)


def _field(scene: Scene, ends: FloatArray) -> tuple[float, float]:
    """Side in mm of the panels, and of a pixel: lesion and points fit into both planes."""
    points = np.concatenate([corners_of_lesion(scene.lesion, scene.image.affine), ends])
    axes = scene.image.affine[:3, 1:3] / np.linalg.norm(scene.image.affine[:3, 1:3], axis=0)
    spread = np.ptp(points @ axes, axis=0).max() + _AROUND_MM
    side = float(max(_LEAST_MM, spread))
    return side, side / SIDE


def _panel(scene: Scene, plane: Plane, ends: FloatArray, caption: str, depth: int | None, *, dashed: bool) -> Panel:
    image, answer = scene.image, scene.answer
    values = sampled(image.voxels[0], image.affine, plane, outside=np.nan)
    canvas = Canvas(np.repeat(eight_bits(values, scene.window)[:, :, None], 3, axis=2), ~np.isnan(values))
    legend = [(LESION, "lesion")]
    if scene.structure is not None:
        canvas.outline(sampled_mask(scene.structure, image.affine, plane), STRUCTURE)
        legend.append((STRUCTURE, answer.structure))
    if answer.measure == "remaining_volume" and answer.margin_mm:
        canvas.outline(_within(scene, plane, answer.margin_mm), LESION, dashed=True)
        legend.append((LESION, f"{answer.margin_mm:g} mm around it"))
    canvas.outline(sampled_mask(scene.lesion, image.affine, plane), LESION)
    if answer.measure == "contact_arc" and depth is not None and scene.structure is not None:
        for point in _touching(scene, depth):
            canvas.dot(plane.pixel_of(point), TOUCH)
        legend.append((TOUCH, "touching"))
    if answer.measure in _LINED and answer.from_mm is not None and answer.to_mm is not None:
        length = float(np.linalg.norm(np.subtract(answer.from_mm, answer.to_mm)))
        words = "" if dashed else f"{length:.1f}{UNITS['mm']}"
        canvas.distance(plane.pixel_of(ends[0]), plane.pixel_of(ends[1]), LINE, words, dashed=dashed)
    canvas.sides(side_letters(plane) if image.spacing_kind == "patient" else ("", "", "", ""))
    canvas.scale(plane.pixel_mm)
    canvas.legend(legend)
    return Panel(canvas.pixels(), caption + ("; the line leaves it, see the plane beside it" if dashed else ""))


def _within(scene: Scene, plane: Plane, margin_mm: float) -> BoolArray:
    """Whether each pixel is in the lesion or not farther from it than the margin; found on every fourth pixel."""
    import cv2
    from scipy.spatial import cKDTree

    positions = plane.positions_mm()[::4, ::4]
    tree = cKDTree(closed_surface(scene.lesion, scene.image.affine).points_mm)
    distances = tree.query(positions.reshape(-1, 3))[0].reshape(positions.shape[:2]).astype(np.float32)
    fine = np.asarray(cv2.resize(distances, (plane.width, plane.height), interpolation=cv2.INTER_LINEAR))
    return (fine <= margin_mm) | sampled_mask(scene.lesion, scene.image.affine, plane)


def _touching(scene: Scene, depth: int) -> Sequence[FloatArray]:
    """LPS positions of the structure's outline in a slice where it touches the lesion."""
    structure, lesion = scene.structure, scene.lesion
    if structure is None or not structure[depth].any() or not lesion[depth].any():
        return []
    moved = geometry.cropped(scene.image.affine, (depth, 0, 0))
    found: list[FloatArray] = []
    for whole, _ in whole_parts(structure[depth]):
        outline, touching, _ = touching_outline(lesion[depth], whole, moved)
        found += list(outline.points_mm[touching])
    return found


def tissue_window(image: Image, lesion: BoolArray) -> Window | None:
    """The image's own window, or soft tissue for CT; else what holds the values of the lesion and around it."""
    if image.windows or image.modality == "CT" or image.voxels.dtype == np.uint8:
        return fitting_window(image)
    values = image.voxels[0][box_of_lesion(lesion)]
    low, high = np.percentile(values, (10, 98))
    room = 0.3 * (high - low) or 1.0
    return Window(float(low + high) / 2, float(high - low + 2 * room), function="LINEAR_EXACT")
