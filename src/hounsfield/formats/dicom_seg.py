"""DICOM segmentations (SEG): segments drawn frame by frame, put on the grid of an image (PS3.3 A.51, C.8.20).

Frames may come in any order, for some slices only, or seen from another side: each is put where its own position says
(C.7.6.16.2.3). What no frame shows is outside. A segment of type FRACTIONAL is inside where a pixel holds half of the
MaximumFractionalValue or more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import BoolArray, IntArray, VoxelArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.capacity import check_bytes
from hounsfield.formats.dicom_dataset import open_dataset, readable_header
from hounsfield.formats.dicom_layout import functional_groups, plane_of
from hounsfield.formats.dicom_pixels import frame_by_frame, frames_of
from hounsfield.formats.drawing import Drawing, Part, Placed, Structure, code_of, known, require_place
from hounsfield.formats.drawn_by import AUTOMATIC
from hounsfield.formats.frame_place import FramePlace, frame_place, whole_slice

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_BACKGROUND = "DCM 125040"
"""Of a label map, what is nothing (PS3.16 CID 7150 and PS3.3 C.8.20.4.3); so is what has the number 0."""
_LABEL_MAP = "LABELMAP"
_FRACTIONAL = "FRACTIONAL"
_HALF = 0.5


def seg_drawing(dataset: Dataset, path: Path) -> Drawing:
    """What a segmentation says of its segments, in the order of the file; the background of a label map is none.

    Raises:
        FormatError: It names no segments, or was drawn on a slide.
    """
    items = dataset.get("SegmentSequence") or ()
    if not items:
        raise FormatError(f"{path}: a segmentation that names no segments (SegmentSequence); export it again")
    if dataset.get("TotalPixelMatrixColumns"):
        raise FormatError(f"{path}: a segmentation of a whole-slide image; this version reads no slides")
    structures = []
    label_map = str(dataset.get("SegmentationType")) == _LABEL_MAP
    nothing = (0, dataset.get("PixelPaddingValue")) if label_map else ()
    for item in items:
        number, code = int(item.SegmentNumber), code_of(item.get("SegmentedPropertyTypeCodeSequence"))
        if code != _BACKGROUND and number not in nothing:
            automatic = item.get("SegmentAlgorithmType") == AUTOMATIC
            structures.append(Structure(number, _name(item, number), code, automatic=automatic))
    series = [str(one.get("SeriesInstanceUID") or "") for one in dataset.get("ReferencedSeriesSequence") or ()]
    frame = str(dataset.get("FrameOfReferenceUID") or "")
    return Drawing(path, "segmentation", tuple(structures), known(series), known([frame]))


def _name(item: Dataset, number: int) -> str:
    label = str(item.get("SegmentLabel") or "").strip()
    kinds = item.get("SegmentedPropertyTypeCodeSequence") or ()
    meaning = str(kinds[0].get("CodeMeaning") or "").strip() if kinds else ""
    return label or meaning or f"segment {number}"


def seg_parts(path: Path, image: Placed, structures: Sequence[Structure]) -> Iterator[Part]:
    """Segments one by one on the image's grid; one without a frame is nowhere.

    Raises:
        FormatError: The file is damaged.
        GeometryError: Its frames lie on another grid than the image.
        StorageError: It does not fit into memory.
    """
    with readable_header(path):
        dataset = open_dataset(path, pixels=True)
        frames = _frames(dataset, path)
        label_map = str(dataset.get("SegmentationType")) == _LABEL_MAP
        notes = [f"{path.name}: {note}" for note in _notes_on_type(dataset)]
        shown = {} if label_map else _frames_of_segments(frames)
    if label_map:
        yield from _of_label_map(frames, image, structures)
        return
    for structure in structures:
        inside: BoolArray = np.zeros(image.shape, dtype=np.bool_)
        with readable_header(path):
            cut = sum(
                frames.place(frame, image).put(frames.inside(frame), inside)
                for frame in shown.get(structure.number, ())
            )
        yield Part(structure, inside, (*notes, *_note_on_cut(structure.name, cut, path)), cut=cut > 0)


def _of_label_map(frames: _Frames, image: Placed, structures: Sequence[Structure]) -> Iterator[Part]:
    numbers = [structure.number for structure in structures]
    labels: IntArray = np.zeros(image.shape, dtype=np.uint16)
    cut: Counter[int] = Counter()
    with readable_header(frames.path):
        for frame in range(frames.count):
            stored = frames.pixels(frame).astype(np.uint16)
            place = frames.place(frame, image)
            wanted = np.where(np.isin(stored, numbers), stored, 0).astype(np.uint16)
            if place.put(wanted, labels):
                there = place.inside(image.shape)
                cut.update(wanted[~there & (wanted != 0)].tolist())
    for structure in structures:
        outside = cut[structure.number]
        notes = tuple(_note_on_cut(structure.name, outside, frames.path))
        yield Part(structure, labels == structure.number, notes, cut=outside > 0)


def _notes_on_type(dataset: Dataset) -> Iterator[str]:
    if str(dataset.get("SegmentationType")) == _FRACTIONAL:
        kind = str(dataset.get("SegmentationFractionalType") or "").casefold()
        yield (
            f"its segments are fractional{f' ({kind})' if kind else ''}: a voxel is inside where it holds "
            f"{_HALF * float(dataset.MaximumFractionalValue):g} of {dataset.MaximumFractionalValue} or more"
        )


def _note_on_cut(name: str, voxels: int, path: Path) -> Iterator[str]:
    if voxels:
        yield f"{path.name}: {voxels} voxel{'s' if voxels > 1 else ''} of {name} lie outside of the image and are cut"


def _frames_of_segments(frames: _Frames) -> dict[int, list[int]]:
    shown: dict[int, list[int]] = {}
    for frame in range(frames.count):
        shown.setdefault(frames.segment(frame), []).append(frame)
    return shown


@dataclass(frozen=True, eq=False)
class _Frames:
    """The pixels of a segmentation, and where each frame lies."""

    dataset: Dataset = field(repr=False)
    path: Path
    groups: tuple[dict[str, Dataset], ...] = field(repr=False)
    """Functional groups by keyword, of each frame."""
    pixels: Callable[[int], VoxelArray]
    """(rows, columns) as stored, of a frame."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.groups)

    def inside(self, frame: int) -> BoolArray:
        """(rows, columns): the pixels of a frame that belong to its segment."""
        stored = self.pixels(frame)
        least = 1.0
        if str(self.dataset.get("SegmentationType")) == _FRACTIONAL:
            least = _HALF * float(self.dataset.MaximumFractionalValue)
        found: BoolArray = stored >= least
        return found

    def segment(self, frame: int) -> int:
        """The number of the segment that a frame shows."""
        item = self.groups[frame].get("SegmentIdentificationSequence")
        if item is None:
            raise FormatError(f"{self.path}: frame {frame + 1} does not say which segment it shows; export it again")
        return int(item.ReferencedSegmentNumber)

    def place(self, frame: int, image: Placed) -> FramePlace:
        """Where a frame lies on the image's grid.

        Raises:
            GeometryError: On another grid; or neither the frame nor the image's UIDs say where.
        """
        plane = plane_of(self.dataset, self.groups[frame], frame)
        if plane is None:
            return self._place_by_source(frame, image)
        require_place(self.path, image)
        return frame_place(plane, image, self.path)

    def _place_by_source(self, frame: int, image: Placed) -> FramePlace:
        """Of a frame without a place in the patient: that of the image it was made from (PS3.3 C.7.6.16.2.6)."""
        derived = self.groups[frame].get("DerivationImageSequence")
        sources = (derived.get("SourceImageSequence") if derived is not None else None) or ()
        uids = [str(source.get("ReferencedSOPInstanceUID") or "") for source in sources]
        found = [source for source, uid in zip(sources, uids, strict=True) if uid in image.source.sop_uids]
        size = int(self.dataset.Rows), int(self.dataset.Columns)
        name = image.source.path or "the image"
        if not found:
            raise GeometryError(
                f"{self.path}: frame {frame + 1} has no place in the patient and was drawn on the image "
                f"{', '.join(uids) or '(not said which)'}, and {name} is {', '.join(image.source.sop_uids) or 'none'}: "
                "give the image that it was drawn on"
            )
        if size != image.shape[1:]:
            raise GeometryError(
                f"{self.path} has {size[0]} × {size[1]} pixels (height × width) and {name} has "
                f"{image.shape[1]} × {image.shape[2]}: they are not on one grid; give the image that it was drawn on"
            )
        if image.source.frames:
            return whole_slice(self._slice_of_frames(frame, found, image), image)
        return whole_slice(image.source.sop_uids.index(str(found[0].ReferencedSOPInstanceUID)), image)

    def _slice_of_frames(self, frame: int, sources: Sequence[Dataset], image: Placed) -> int:
        """Depth index of what was drawn on one frame of a file (ReferencedFrameNumber counts from 1, PS3.3 10.3)."""
        values = [source.get("ReferencedFrameNumber") for source in sources]
        numbers = {
            int(one) for value in values if value for one in (value if isinstance(value, Iterable) else (value,))
        }
        frames, name = image.source.frames, image.source.path or "the image"
        if len(numbers) != 1 or not all(values):
            said = ", ".join(map(str, sorted(numbers))) or "none"
            raise GeometryError(
                f"{self.path}: frame {frame + 1} has no place in the patient and should name one frame of {name}, "
                f"which has {len(frames)}; it names {said} (ReferencedFrameNumber): export the segmentation again"
            )
        (number,) = numbers
        if number - 1 not in frames:
            raise GeometryError(
                f"{self.path}: frame {frame + 1} was drawn on frame {number} of {name}, which has {len(frames)}: give "
                "the image that it was drawn on"
            )
        return frames.index(number - 1)


def _frames(dataset: Dataset, path: Path) -> _Frames:
    """The frames of a segmentation; it may have none, where nothing was found.

    Raises:
        FormatError: It is damaged.
        StorageError: It does not fit into memory.
    """
    if "PixelData" not in dataset and not dataset.get("PerFrameFunctionalGroupsSequence"):
        return _Frames(dataset, path, (), lambda frame: np.zeros((0, 0), dtype=np.uint8))
    count = frames_of(dataset, path)
    groups = tuple(functional_groups(dataset, frame, path) for frame in range(count))
    if int(dataset.get("BitsAllocated") or 0) == 1 and not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return _Frames(dataset, path, groups, _bits(dataset, path, count))
    dataset.PhotometricInterpretation = "MONOCHROME2"  # the colours of a label map are for display
    return _Frames(dataset, path, groups, frame_by_frame(dataset, path))


def _bits(dataset: Dataset, path: Path, count: int) -> Callable[[int], VoxelArray]:
    """Frames of one bit a pixel, unpacked one at a time; they follow each other without a gap (PS3.5 8.1.1)."""
    shape = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    pixels = shape[0] * shape[1]
    packed = np.frombuffer(dataset.get("PixelData") or b"", dtype=np.uint8)
    check_bytes(path, (count, *shape), needed=(count * pixels + 7) // 8, present=len(packed))

    def frame_pixels(frame: int) -> VoxelArray:
        start = frame * pixels
        own = packed[start // 8 : (start + pixels + 7) // 8]
        return np.unpackbits(own, bitorder="little")[start % 8 : start % 8 + pixels].reshape(shape)

    return frame_pixels
