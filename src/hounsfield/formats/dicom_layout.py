"""How the frames of one DICOM file become a volume: their order, the affine, and each frame's intensity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.dicom_intensity import Intensity, intensity_of
from hounsfield.formats.dicom_spacing import pair, slice_distance_mm, spacing_of
from hounsfield.formats.dicom_voi import windows_of
from hounsfield.formats.stack import LEAST_SLICES, Plane, plane_affine, plane_axes, stack
from hounsfield.image import SpacingKind, Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the frames lie and what is done to their values."""

    order: tuple[int, ...]
    """Frame of each depth index."""
    affine: FloatArray
    spacing_kind: SpacingKind
    intensities: tuple[Intensity, ...]
    """Of each depth index."""
    windows: tuple[Window, ...]


def layout_of(dataset: Dataset, path: Path, frames: int) -> Layout:
    """Layout of a file's frames.

    Frames with positions (enhanced CT and MR, tomosynthesis, dose grids) are sorted along their normal and must be
    even, as a series must. Frames without (ultrasound, angiography: depth is time) keep their order, at spacing 1.

    Raises:
        GeometryError: As `stack.stack`.
    """
    groups = [functional_groups(dataset, frame, path) for frame in range(frames)]
    intensities = [_intensity(dataset, group) for group in groups]
    planes = [plane_of(dataset, group, frame) for frame, group in enumerate(groups)]
    placed = [plane for plane in _with_dose_offsets(dataset, planes, frames) if plane is not None]
    order = tuple(range(frames))
    spacing, kind = _spacing(dataset, groups[0])
    if len(placed) == frames and frames > 1:
        if frames < LEAST_SLICES:
            raise _too_few(path, frames)
        indices, affine = stack(placed, str(path))
        order, kind = tuple(int(index) for index in indices), "patient"
    elif frames == 1 and placed and (one := _single_affine(dataset, groups[0], placed[0], path)) is not None:
        affine, kind = one, "patient" if kind == "none" else kind
    else:
        affine = geometry.planar_affine(spacing)
    first = groups[order[0]]
    mirror = intensities[order[0]].mirror
    windows = windows_of(first["FrameVOILUTSequence"], mirror=mirror) if "FrameVOILUTSequence" in first else ()
    return Layout(
        order=order,
        affine=affine,
        spacing_kind=kind,
        intensities=tuple(intensities[index] for index in order),
        windows=windows or windows_of(dataset, mirror=mirror),
    )


def _too_few(path: Path, frames: int) -> GeometryError:
    return GeometryError(
        f"{path}: only {frames} frames with a position, too few for a volume: even spacing cannot be checked below "
        f"{LEAST_SLICES}; export them as single images"
    )


def functional_groups(dataset: Dataset, frame: int, path: Path) -> dict[str, Dataset]:
    """The functional groups of a frame by keyword: its own, else the shared ones (PS3.3 C.7.6.16)."""
    shared, own = dataset.get("SharedFunctionalGroupsSequence"), dataset.get("PerFrameFunctionalGroupsSequence")
    found: dict[str, Dataset] = {}
    for sequence, index in ((shared, 0), (own, frame)):
        if not sequence:
            continue
        if index >= len(sequence):
            raise FormatError(f"{path}: the header describes {len(sequence)} frames and declares more; it is damaged")
        for element in sequence[index]:
            if element.VR == "SQ" and element.value:
                found[element.keyword] = element.value[0]
    return found


def _intensity(dataset: Dataset, groups: dict[str, Dataset]) -> Intensity:
    item = groups.get("PixelValueTransformationSequence")
    if item is None:
        return intensity_of(dataset)
    return intensity_of(dataset, _one(item, "RescaleSlope", 1.0), _one(item, "RescaleIntercept", 0.0))


def _one(item: Dataset, keyword: str, default: float) -> float:
    value: Any = item.get(keyword)
    return default if value is None or value == "" else float(value)


def plane_of(dataset: Dataset, groups: dict[str, Dataset], frame: int) -> Plane | None:
    """Where a frame with these functional groups lies; None where the file does not say."""
    position = groups.get("PlanePositionSequence", dataset).get("ImagePositionPatient")
    orientation = groups.get("PlaneOrientationSequence", dataset).get("ImageOrientationPatient")
    spacing = pair(groups.get("PixelMeasuresSequence", dataset).get("PixelSpacing"))
    if not position or not orientation or len(position) != 3 or len(orientation) != 6 or spacing is None:
        return None
    return Plane(
        label=f"frame {frame + 1}",
        position_mm=tuple(float(part) for part in position),
        orientation=tuple(float(part) for part in orientation),
        pixel_spacing_mm=spacing,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
    )


def _with_dose_offsets(dataset: Dataset, planes: list[Plane | None], frames: int) -> list[Plane | None]:
    """Planes of a dose grid, whose frames lie at offsets from the one position (PS3.3 C.8.8.3.2); others unchanged.

    Without offsets of its own, several frames at one position of the whole file mean no position at all.
    """
    own = dataset.get("PerFrameFunctionalGroupsSequence")
    first = planes[0]
    if frames == 1 or own or first is None:
        return planes
    offsets = dataset.get("GridFrameOffsetVector")
    if not offsets or len(offsets) != frames:
        return [None] * frames
    normal = plane_axes(first.orientation, first.label)[:, 0]
    start = np.asarray(first.position_mm)
    away = np.asarray([float(offset) for offset in offsets])
    away = away - away[0]  # absolute z positions (the second form of the tag) become offsets too
    return [
        Plane(f"frame {frame + 1}", tuple((start + normal * away[frame]).tolist()), first.orientation,
              first.pixel_spacing_mm, first.rows, first.columns)
        for frame in range(frames)
    ]  # fmt: skip


def _spacing(dataset: Dataset, groups: dict[str, Dataset]) -> tuple[tuple[float, float], SpacingKind]:
    measures = pair(groups["PixelMeasuresSequence"].get("PixelSpacing")) if "PixelMeasuresSequence" in groups else None
    return (measures, "patient") if measures else spacing_of(dataset)


def _single_affine(dataset: Dataset, groups: dict[str, Dataset], plane: Plane, path: Path) -> FloatArray | None:
    """Affine of one slice with a place; None where its orientation makes no sense, for a flat image needs none."""
    try:
        return plane_affine(plane, slice_distance_mm(groups.get("PixelMeasuresSequence", dataset)), str(path))
    except GeometryError:
        return None
