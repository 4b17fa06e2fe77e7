"""DICOM files made for tests: as small as a reader accepts, with what a test wants changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SERIES = "1.2.826.0.1.3680043.8.498.1"


def dataset(pixels: NDArray[Any], *, syntax: str = ExplicitVRLittleEndian, **tags: Any) -> FileDataset:
    """A CT slice with these pixels, (h, w), (frames, h, w) or (h, w, 3); tags given as None are left out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = tags.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = FileDataset("made.dcm", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": SERIES,
        "Modality": "CT",
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "Rows": pixels.shape[0] if colour else pixels.shape[-2],
        "Columns": pixels.shape[1] if colour else pixels.shape[-1],
        "BitsAllocated": pixels.dtype.itemsize * 8,
        "BitsStored": pixels.dtype.itemsize * 8,
        "HighBit": pixels.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
    }
    if colour:
        values["PlanarConfiguration"] = 0
    if pixels.ndim == 3 and not colour:
        values["NumberOfFrames"] = len(pixels)
    for keyword, value in (values | tags).items():
        if value is not None:
            setattr(made, keyword, value)
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OW"
    return made


def save(path: Path, made: FileDataset) -> Path:
    made.save_as(path, enforce_file_format=True)
    return path


def compressed(made: FileDataset, syntax: str, frames: Sequence[bytes]) -> FileDataset:
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate(list(frames))
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


def slice_at(pixels: NDArray[Any], position: Sequence[float], **tags: Any) -> FileDataset:
    """An axial slice at this place, 0.5 x 0.7 mm pixels."""
    place = {
        "ImagePositionPatient": list(position),
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.7],
    }
    return dataset(pixels, **(place | tags))


def write_series(folder: Path, heights: Sequence[float], **tags: Any) -> Path:
    """A folder of axial 4 x 5 slices at these heights, whose pixels all are their place in `heights`."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, height in enumerate(heights):
        pixels = np.full((4, 5), index, dtype=np.int16)
        save(folder / f"{index:03d}.dcm", slice_at(pixels, (-10.0, -20.0, height), **tags))
    return folder


def item(**tags: Any) -> DicomSequence:
    """A sequence of one item."""
    made = Dataset()
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return DicomSequence([made])
