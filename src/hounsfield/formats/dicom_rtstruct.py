"""Radiotherapy structure sets (RTSTRUCT): closed contours in the patient, filled on the slices of an image.

A voxel is inside where its centre is. All contours of a structure in one plane are taken together by the even-odd rule,
as the standard says of CLOSEDPLANAR_XOR and as planning systems mean CLOSED_PLANAR too: a contour within another is a
hole, and so is what a keyhole leaves out (PS3.3 C.8.8.6.3). A CLOSED_PLANAR contour that is stored twice counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.contours import Contour, Filled, fill
from hounsfield.formats.dicom_dataset import open_dataset, readable_header
from hounsfield.formats.drawing import Drawing, Part, Placed, Structure, code_of, known, require_place
from hounsfield.formats.drawn_by import AUTOMATIC

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_XOR = "CLOSEDPLANAR_XOR"
_AREAS = ("CLOSED_PLANAR", _XOR)
_FEWEST_POINTS = 3
_CONTOUR_DATA = 0x30060050

_FLAT = 0.25
"""Share of the slice distance that the points of one contour may lie apart across the slices: files round."""
_ONE_PLANE = 0.05
"""Contours no farther apart than this share of the slice distance lie in one plane."""
_ROUNDED = 6
"""Decimals of a voxel that count: corners on the centres of voxels stay there in floating point."""
_BEYOND = 1e-3
"""Voxels beyond the border that are none."""


def rtstruct_drawing(dataset: Dataset, path: Path) -> Drawing:
    """What a structure set says of its structures, in the order of the file.

    Raises:
        FormatError: It has none.
    """
    codes = {
        int(item.ReferencedROINumber): code_of(item.get("RTROIIdentificationCodeSequence"))
        for item in dataset.get("RTROIObservationsSequence") or ()
        if item.get("ReferencedROINumber") is not None
    }
    structures, frames = [], []
    for item in dataset.get("StructureSetROISequence") or ():
        number = int(item.ROINumber)
        name = str(item.get("ROIName") or "").strip() or f"ROI {number}"
        frames.append(str(item.get("ReferencedFrameOfReferenceUID") or ""))
        automatic = item.get("ROIGenerationAlgorithm") == AUTOMATIC
        structures.append(Structure(number, name, codes.get(number, ""), frames[-1], automatic))
    if not structures:
        raise FormatError(f"{path}: a structure set without any structure; export it again")
    references = dataset.get("ReferencedFrameOfReferenceSequence") or ()
    series = [
        str(one.get("SeriesInstanceUID") or "")
        for frame in references
        for study in frame.get("RTReferencedStudySequence") or ()
        for one in study.get("RTReferencedSeriesSequence") or ()
    ]
    frames += [str(frame.get("FrameOfReferenceUID") or "") for frame in references]
    whole = known([str(dataset.get("FrameOfReferenceUID") or "")])
    return Drawing(path, "structure set", tuple(structures), known(series), known(frames) or whole)


def rtstruct_parts(path: Path, image: Placed, structures: Sequence[Structure]) -> Iterator[Part]:
    """Structures one by one on the image's grid; one without contours is nowhere.

    Raises:
        FormatError: The file is damaged.
        GeometryError: A contour does not lie in the slices of the image, or the image does not know its place.
    """
    require_place(path, image)
    with readable_header(path):
        dataset = open_dataset(path, pixels=False)
        drawn: dict[int, list[Dataset]] = {}
        for item in dataset.get("ROIContourSequence") or ():
            drawn.setdefault(int(item.ReferencedROINumber), []).extend(item.get("ContourSequence") or ())
    for structure in structures:
        with readable_header(path):
            areas, others = _contours(drawn.get(structure.number, ()), structure, path)
        yield _filled(structure, areas, others, image, path)


@dataclass(frozen=True, eq=False)
class _Area:
    """A closed contour in the patient."""

    points: FloatArray
    """(n, 3) LPS mm."""
    exclusive: bool
    """As `Contour` has it."""


def _contours(items: Sequence[Dataset], structure: Structure, path: Path) -> tuple[list[_Area], Mapping[str, int]]:
    """The closed contours, and how many contours are something else."""
    areas: list[_Area] = []
    others: Counter[str] = Counter()
    for item in items:
        kind = str(item.get("ContourGeometricType") or "of no type").strip()
        points = _points(item)
        if len(points) % 3 or not np.isfinite(points).all():
            raise FormatError(
                f"{path}: a contour of {structure.name} is not made of points with three numbers each; the file is "
                "damaged, export it again"
            )
        if kind in _AREAS and len(points) >= 3 * _FEWEST_POINTS:
            areas.append(_Area(points.reshape(-1, 3), kind == _XOR))
        else:
            others[f"of {len(points) // 3} points" if kind in _AREAS else kind] += 1
    return areas, others


def _points(item: Dataset) -> FloatArray:
    """The numbers of a contour; from the bytes of the file, for pydicom makes an object of each."""
    if _CONTOUR_DATA not in item:
        return np.zeros(0)
    value: Any = item.get_item(_CONTOUR_DATA).value
    if isinstance(value, bytes):
        text = value.strip(b" \0")
        value = text.split(b"\\") if text else []
    return np.array([float(number) for number in value], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Plane:
    """The contours of a structure that lie in one plane."""

    height: float
    """Depth index on the image's grid, with a fraction."""
    contours: list[Contour]


def _filled(structure: Structure, areas: Sequence[_Area], others: Mapping[str, int], image: Placed, path: Path) -> Part:
    planes = _planes(areas, structure, image, path)
    depth, height, width = image.shape
    by_slice: dict[int, list[_Plane]] = {}
    for plane in planes:
        by_slice.setdefault(int(np.floor(plane.height + 0.5)), []).append(plane)
    inside: BoolArray = np.zeros(image.shape, dtype=np.bool_)
    filled: list[Filled] = []
    for place, own in by_slice.items():
        if 0 <= place < depth:
            nearest = min(own, key=lambda plane: abs(plane.height - place))
            filled.append(fill(nearest.contours, (height, width)))
            inside[place] = filled[-1].inside
    beyond_mm = _beyond_mm(planes, image)
    notes = (
        *_notes(structure, others, by_slice, beyond_mm, left=bool(inside.any())),
        *_notes_on_contours(structure.name, filled),
    )
    return Part(structure, inside, tuple(f"{path.name}: {note}" for note in notes), cut=beyond_mm > 0)


def _planes(areas: Sequence[_Area], structure: Structure, image: Placed, path: Path) -> list[_Plane]:
    """Contours by plane, in rising order.

    Raises:
        GeometryError: One leans against the slices.
    """
    contours = []
    for area in areas:
        index = np.round(geometry.index_from_world(image.affine, area.points), _ROUNDED)
        if np.ptp(index[:, 0]) > _FLAT:
            low, high = index[:, 0].min() + 1, index[:, 0].max() + 1
            raise GeometryError(
                f"{path}: a contour of {structure.name} runs from slice {low:.1f} to {high:.1f} of "
                f"{image.source.path or 'the image'}; contours in the planes of its slices are expected: give the "
                "series that it was drawn on, or resample it"
            )
        contours.append((float(index[:, 0].mean()), Contour(index[:, 1:], area.exclusive)))
    planes: list[_Plane] = []
    for place, contour in sorted(contours, key=lambda contour: contour[0]):
        if planes and place - planes[-1].height <= _ONE_PLANE:
            planes[-1].contours.append(contour)
        else:
            planes.append(_Plane(place, [contour]))
    return planes


def _beyond_mm(planes: Sequence[_Plane], image: Placed) -> float:
    """How far the farthest point lies beyond the border of the image, 0 where all lie inside."""
    if not planes:
        return 0.0
    points = np.concatenate(
        [
            np.column_stack([np.full(len(contour.corners), plane.height), contour.corners])
            for plane in planes
            for contour in plane.contours
        ]
    )
    over = np.maximum(-0.5 - points, points - (np.array(image.shape) - 0.5))
    over = np.where(over > _BEYOND, over, 0.0) * np.array(geometry.spacing_mm(image.affine))
    return float(np.linalg.norm(over, axis=1).max())


def _notes(
    structure: Structure,
    others: Mapping[str, int],
    by_slice: Mapping[int, Sequence[_Plane]],
    beyond_mm: float,
    *,
    left: bool,
) -> Iterator[str]:
    name = structure.name
    if beyond_mm:
        rest = "it is cut at the border" if left else "nothing of it is left"
        yield f"{name} leaves the image by up to {beyond_mm:.1f} mm, {rest}"
    for kind, count in others.items():
        yield f"{_contours_of(name, count)} left out, {kind}: only closed planar ones have an area"
    if between := sum(len(planes) - 1 for planes in by_slice.values()):
        lie = "plane of contours of {} lies" if between == 1 else "planes of contours of {} lie"
        yield f"{between} {lie.format(name)} between slices for which there is a nearer one, left out"
    gaps = np.diff(sorted(by_slice))
    if len(gaps) > 1 and (step := int(np.median(gaps))) > 1:
        yield f"{name} is drawn on one slice in {step}, and nothing is filled in between"


def _notes_on_contours(name: str, filled: Sequence[Filled]) -> Iterator[str]:
    if repeated := sum(own.repeated for own in filled):
        yield f"{_contours_of(name, repeated)} stored once more, taken once"
    if centreless := sum(own.centreless for own in filled):
        yield f"{_contours_of(name, centreless, 'closed ')} without any voxel's centre inside: no voxel is theirs"
    if crossing := sum(own.crossing for own in filled):
        pairs = "1 pair" if crossing == 1 else f"{crossing} pairs"
        yield (
            f"{pairs} of contours of {name} overlap, none of the two within the other: what both hold counts as outside"
        )


def _contours_of(name: str, count: int, what: str = "") -> str:
    return f"{count} {what}{'contour' if count == 1 else 'contours'} of {name}"
