"""Stored pixel values of a DICOM data set: every transfer syntax, grey and colour, one frame or many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.errors import FormatError
from hounsfield.formats.capacity import check_bytes, check_memory
from hounsfield.formats.dicom_codecs import Codec, FrameFormat, codec_for, decode_grey
from hounsfield.formats.quiet import quiet_pydicom
from hounsfield.formats.threads import for_each

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_OF_PIXELS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
"""What a frame needs beside its bytes (PS3.3 C.7.6.3)."""
_LEAST_COMPRESSED_FRAME = 16
"""No compressed frame is shorter than its own headers."""
_MOST_COMPRESSION = 20_000
"""Pixels a compressed byte can stand for at the utmost: empty JPEG 2000 code blocks, RLE runs are far below."""


def frames_of(dataset: Dataset, path: Path) -> int:
    """Number of frames.

    Raises:
        FormatError: The tag holds no whole number above 0.
    """
    text = str(dataset.get("NumberOfFrames") or 1)
    if not text.strip().isdigit() or int(text) < 1:
        raise FormatError(f"{path}: number of frames is {text!r}, not a whole number; the header is damaged")
    return int(text)


def check_pixels(dataset: Dataset, path: Path) -> tuple[int, int, int, int]:
    """(frames, rows, columns, samples) after holding them against the bytes and the memory that are there.

    Raises:
        FormatError: There is no image, or too few bytes for it.
        StorageError: It does not fit into memory.
    """
    shape, bits = _check_present(dataset, path)
    check_memory(path, shape, max(bits // 8, 1))
    return shape


def _check_present(dataset: Dataset, path: Path) -> tuple[tuple[int, int, int, int], int]:
    """(frames, rows, columns, samples), and bits a pixel, after holding them against the bytes that are there.

    Raises:
        FormatError: There is no image, or too few bytes for it.
    """
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    keyword = next((keyword for keyword in _PIXEL_KEYWORDS if keyword in dataset), None)
    if keyword is None or rows < 1 or columns < 1:
        size = f" (its header declares {rows} x {columns} pixels)" if rows and columns else ""
        raise FormatError(f"{path}: this DICOM file has no image{size}: the pixel data are missing")
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or int(dataset.get("BitsAllocated") or 0)
    if bits not in (1, 8, 16, 32, 64):
        raise FormatError(f"{path}: {bits} bits a pixel are not a size that DICOM knows; the header is damaged")
    frames, samples = frames_of(dataset, path), int(dataset.get("SamplesPerPixel") or 1)
    pixels = frames * rows * columns * samples
    present = len(dataset[keyword].value or b"")
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        needed = max(frames * _LEAST_COMPRESSED_FRAME, pixels // _MOST_COMPRESSION)
    else:
        halved = str(dataset.get("PhotometricInterpretation")) == "YBR_FULL_422"
        needed = (pixels * bits // (12 if halved else 8)) if bits > 1 else (pixels + 7) // 8
    shape = (frames, rows, columns, samples)
    check_bytes(path, shape if frames > 1 else (rows, columns), needed=needed, present=present)
    return shape, bits


def decode(dataset: Dataset, path: Path) -> VoxelArray:
    """Stored values, (frame, row, column), or (frame, row, column, 3) in RGB.

    Palette colours and luminance-chrominance come out as RGB (PS3.3 C.7.6.3.1.2). The bytes are taken out of the data
    set, so that they do not lie in memory beside what becomes of them.

    Raises:
        FormatError: No image, cut off, damaged, or in a form that no decoder here knows.
        StorageError: It does not fit into memory.
    """
    frames, rows, columns, samples = check_pixels(dataset, path)
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        codec = codec_for(str(syntax)) if samples == 1 and int(dataset.get("BitsAllocated", 0)) in (8, 16) else None
        with quiet_pydicom():
            if codec is not None and "PixelData" in dataset:
                voxels = _decode_parallel(dataset, codec, frames=frames, rows=rows, columns=columns)
            else:
                voxels = _decode_by_pydicom(dataset, frames=frames, rows=rows, columns=columns)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # the decoders raise what they trip over; one in Rust not even an Exception
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FormatError(
            f"{path}: its pixel data ({syntax.name}) could not be decoded: {reason}; the file is damaged, or made by "
            "software that breaks the standard: export it again, uncompressed"
        ) from error
    for keyword in _PIXEL_KEYWORDS:
        dataset.pop(keyword, None)
    return voxels


def frame_by_frame(dataset: Dataset, path: Path) -> Callable[[int], VoxelArray]:
    """As `decode`, one frame at a time, (row, column): for many frames of which few are wanted together.

    The bytes stay in the data set. Pixels of one bit begin within a byte, so here they must be compressed.

    Raises:
        FormatError, StorageError: As `decode`; of one frame, when it is decoded.
    """
    from pydicom.dataset import Dataset
    from pydicom.encaps import encapsulate, generate_frames

    (frames, rows, columns, samples), bits = _check_present(dataset, path)
    compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    stored = list(generate_frames(dataset.PixelData, number_of_frames=frames)) if compressed else []
    if compressed and len(stored) < frames:
        raise FormatError(
            f"{path}: {len(stored)} compressed frames where the header says {frames}; it is damaged, copy it again "
            "from its source"
        )
    size = rows * columns * samples * bits // 8

    def frame_pixels(frame: int) -> VoxelArray:
        own = dataset.PixelData[frame * size : (frame + 1) * size] if not compressed else encapsulate([stored[frame]])
        one = Dataset()
        one.file_meta = dataset.file_meta
        for keyword in _OF_PIXELS:
            if keyword in dataset:
                one[keyword] = dataset[keyword]
        one.NumberOfFrames = 1
        one.add_new("PixelData", "OB" if compressed or bits <= 8 else "OW", own + b"\0" * (len(own) % 2))
        one["PixelData"].is_undefined_length = compressed
        pixels: VoxelArray = decode(one, path)[0]
        return pixels

    return frame_pixels


def _decode_parallel(dataset: Dataset, codec: Codec, *, frames: int, rows: int, columns: int) -> VoxelArray:
    from pydicom.encaps import generate_frames

    allocated = int(dataset.BitsAllocated)
    signed = dataset.get("PixelRepresentation", 0) == 1
    wanted = FrameFormat(rows, columns, allocated, int(dataset.get("BitsStored") or allocated), signed)
    compressed = list(generate_frames(dataset.PixelData, number_of_frames=frames))
    if len(compressed) < frames:
        raise ValueError(f"{len(compressed)} compressed frames where the header says {frames}")
    voxels = np.empty((frames, rows, columns), dtype=wanted.dtype)

    def work(index: int) -> None:
        voxels[index] = decode_grey(codec, compressed[index], wanted)

    for_each(frames, work)
    return voxels


def _decode_by_pydicom(dataset: Dataset, *, frames: int, rows: int, columns: int) -> VoxelArray:
    from pydicom.pixels.processing import apply_color_lut

    voxels: VoxelArray = dataset.pixel_array
    palette = str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR"
    if palette:
        voxels = apply_color_lut(voxels, dataset)
    if voxels.dtype.byteorder == ">":
        voxels = voxels.astype(voxels.dtype.newbyteorder("="))
    colour = (3,) if palette or int(dataset.get("SamplesPerPixel") or 1) == 3 else ()
    return voxels.reshape(frames, rows, columns, *colour)
