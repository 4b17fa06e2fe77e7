"""DICOM series, segmentations and structure sets made for tests, on one another's grid."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dicom_files import item, save, slice_at
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, SegmentationStorage, generate_uid

from hounsfield import formats, geometry
from hounsfield.formats.drawing import Drawing, Placed
from hounsfield.formats.header import Header
from hounsfield.formats.structures import overlaid, smallest
from hounsfield.image import Mask

LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
OBLIQUE = ((0.8, 0.6, 0.0), (0.0, 0.0, -1.0))
"""Rows and columns of slices that lie along none of the patient's axes."""


def write_series(
    folder: Path,
    voxels: NDArray[Any],
    *,
    spacing: Sequence[float] = (3.0, 0.8, 0.7),
    axes: tuple[Sequence[float], Sequence[float]] = AXIAL,
    patient: str = "P1",
    **tags: Any,
) -> Header:
    """Write (d, h, w) int16 slices, each with UIDs of its own; gives the header that they are read with."""
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(*axes)
    uids = {
        "SeriesInstanceUID": generate_uid(),
        "StudyInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
    }
    for place, plane in enumerate(voxels.astype(np.int16)):
        position = np.array([-10.0, -20.0, 30.0]) + normal * spacing[0] * place
        made = slice_at(
            plane,
            position.round(6).tolist(),
            **{"PatientID": patient, "PixelSpacing": list(spacing[1:]), **uids, **tags},
            ImageOrientationPatient=[*axes[0], *axes[1]],
        )
        save(folder / f"{place:03}.dcm", made)
    return formats.header(folder, series=str(tags.get("SeriesInstanceUID") or "") or None)


def write_seg(
    path: Path,
    image: Header,
    segments: Sequence[tuple[str, NDArray[Any]]],
    *,
    kind: str = "BINARY",
    shuffled: bool = False,
    placed: bool = True,
    **tags: Any,
) -> Path:
    """Write segments, (name, (d, h, w)) each, as frames of the slices on which they are; numbers count from 1.

    A fractional one holds what its array says, of 200. Of a label map the arrays are laid over each other.
    """
    label_map = kind == "LABELMAP"
    frames: list[tuple[int, int, NDArray[Any]]] = []
    if label_map:
        labels = np.zeros(image.shape, dtype=np.uint8)
        for number, (_, inside) in enumerate(segments, start=1):
            labels[inside != 0] = number
        frames = [(0, place, labels[place]) for place in range(len(labels)) if labels[place].any()]
    else:
        for number, (_, inside) in enumerate(segments, start=1):
            frames += [(number, place, inside[place]) for place in range(len(inside)) if inside[place].any()]
    if shuffled:
        frames = [frames[index] for index in np.random.default_rng(0).permutation(len(frames))]
    made = _file(LABEL_MAP_STORAGE if label_map else SegmentationStorage, "SEG", image)
    made.SegmentationType = kind
    made.ReferencedSeriesSequence = item(SeriesInstanceUID=image.source.series_uid)
    made.SegmentSequence = DicomSequence(_segment(number, name) for number, (name, _) in enumerate(segments, start=1))
    made.Rows, made.Columns = image.shape[1:]
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    if kind == "FRACTIONAL":
        made.SegmentationFractionalType, made.MaximumFractionalValue = "PROBABILITY", 200
    shared = Dataset()
    axes = image.affine[:3, [2, 1]] / np.array(geometry.spacing_mm(image.affine))[[2, 1]]
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=axes.T.ravel().round(9).tolist())
    shared.PixelMeasuresSequence = item(PixelSpacing=list(geometry.spacing_mm(image.affine)[1:]), SliceThickness=1)
    made.SharedFunctionalGroupsSequence = DicomSequence([shared] if placed else [Dataset()])
    made.PerFrameFunctionalGroupsSequence = DicomSequence(
        _frame(number, place, image, placed=placed) for number, place, _ in frames
    )
    set_frames(made, np.array([pixels for _, _, pixels in frames]), bits=1 if kind == "BINARY" else 8)
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return save(path, made)


def set_frames(made: FileDataset, frames: NDArray[Any], *, bits: int) -> None:
    """Give a segmentation its pixels, (frames, h, w), one or eight bits each."""
    made.NumberOfFrames = len(frames)
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit = bits - 1
    data = np.packbits(frames.ravel() != 0, bitorder="little") if bits == 1 else frames.astype(np.uint8)
    made.PixelData = data.tobytes() + b"\0" * (data.size % 2)
    made["PixelData"].VR = "OB"
    if not len(frames):
        del made.PixelData


def _segment(number: int, name: str) -> Dataset:
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = number, name
    segment.SegmentedPropertyTypeCodeSequence = code("SCT", "10200004", "Liver")
    return segment


def code(scheme: str, value: str, meaning: str) -> DicomSequence:
    """A code sequence of one item."""
    return item(CodingSchemeDesignator=scheme, CodeValue=value, CodeMeaning=meaning)


def _frame(number: int, place: int, image: Header, *, placed: bool) -> Dataset:
    frame = Dataset()
    if placed:
        position = geometry.world_from_index(image.affine, np.array([[place, 0, 0]]))[0]
        frame.PlanePositionSequence = item(ImagePositionPatient=position.round(6).tolist())
    source = item(ReferencedSOPInstanceUID=image.source.sop_uids[place])
    frame.DerivationImageSequence = item(SourceImageSequence=source)
    if number:
        frame.SegmentIdentificationSequence = item(ReferencedSegmentNumber=number)
    return frame


Contour = tuple[str, float, NDArray[Any]]
"""Geometric type, depth index of its plane, and (n, 2) corners as (h, w), in voxels of the image."""


def closed(place: float, *corners: tuple[float, float]) -> Contour:
    """A closed planar contour."""
    return "CLOSED_PLANAR", place, np.array(corners)


def square(place: float, low: float, high: float) -> Contour:
    """A square contour from (low, low) to (high, high)."""
    return closed(place, (low, low), (low, high), (high, high), (high, low))


def write_rtstruct(path: Path, image: Header, rois: Sequence[tuple[str, Sequence[Contour]]], **tags: Any) -> Path:
    """Write structures, (name, contours) each; numbers count from 1."""
    made = _file(RTStructureSetStorage, "RTSTRUCT", image)
    series = item(SeriesInstanceUID=image.source.series_uid)
    made.ReferencedFrameOfReferenceSequence = item(
        FrameOfReferenceUID=image.source.frame_of_reference_uid,
        RTReferencedStudySequence=item(RTReferencedSeriesSequence=series),
    )
    made.StructureSetROISequence = DicomSequence(
        item(ROINumber=number, ROIName=name)[0] for number, (name, _) in enumerate(rois, start=1)
    )
    made.ROIContourSequence = DicomSequence(
        item(ReferencedROINumber=number, ContourSequence=DicomSequence(_contour(own, image) for own in contours))[0]
        for number, (_, contours) in enumerate(rois, start=1)
        if contours
    )
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return save(path, made)


def _contour(contour: Contour, image: Header) -> Dataset:
    kind, place, corners = contour
    index = np.column_stack([np.full(len(corners), place), corners])
    made = Dataset()
    made.ContourGeometricType, made.NumberOfContourPoints = kind, len(corners)
    made.ContourData = geometry.world_from_index(image.affine, index).round(6).ravel().tolist()
    return made


def _file(sop_class: str, modality: str, image: Header) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, generate_uid()
    made = FileDataset("made.dcm", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = sop_class, meta.MediaStorageSOPInstanceUID, modality
    made.SeriesInstanceUID, made.StudyInstanceUID = generate_uid(), image.source.study_uid
    made.PatientID, made.FrameOfReferenceUID = image.source.patient_id, image.source.frame_of_reference_uid
    return made


def boxes(shape: Sequence[int], places: Mapping[str, Sequence[tuple[int, int]]]) -> list[tuple[str, NDArray[Any]]]:
    """Names, and cuboids of 1 in arrays of 0; each is given by where it begins and ends along (d, h, w)."""
    found = []
    for name, sides in places.items():
        inside = np.zeros(shape, dtype=np.uint8)
        inside[tuple(slice(*side) for side in sides)] = 1
        found.append((name, inside))
    return found


def mask_of_structures(drawing: Drawing, image: Placed) -> tuple[Mask, tuple[str, ...]]:
    """All structures of a drawing as one mask, with a bit each where they overlap, and what was not taken as drawn."""
    numbers, combinations, notes = overlaid(drawing, image)
    exclusive = all(len(combination) <= 1 for combination in combinations)
    values = [sum(place + 1 if exclusive else 1 << place for place in own) for own in combinations]
    return Mask(smallest(values)[numbers], tuple(own.name for own in drawing.structures), exclusive), notes
