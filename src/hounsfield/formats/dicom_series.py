"""A DICOM series as a volume: sorted by position, checked, and read on all cores into one array."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.errors import FormatError
from hounsfield.formats.capacity import check_bytes, check_memory
from hounsfield.formats.dicom_codecs import Codec, FrameFormat, codec_for, decode_grey
from hounsfield.formats.dicom_dataset import open_dataset, readable_header
from hounsfield.formats.dicom_intensity import Intensity, intensity_of, linear
from hounsfield.formats.dicom_pixels import decode
from hounsfield.formats.dicom_slice import PLAIN, Slice
from hounsfield.formats.dicom_source import source_of
from hounsfield.formats.dicom_voi import windows_of
from hounsfield.formats.header import Header
from hounsfield.formats.stack import Plane, stack
from hounsfield.formats.stored_bits import correct_unused_bits
from hounsfield.formats.threads import for_each
from hounsfield.image import Image

_ITEM_HEAD = 8
_ITEM = b"\xfe\xff\x00\xe0"
"""Begins each fragment of compressed pixel data: tag, then a four-byte length (PS3.5 A.4)."""


def series_header(slices: Sequence[Slice], folder: Path) -> Header:
    """The header of a series, without its pixels; see `read_series`."""
    return _ordered_header(slices, folder)[1]


def read_series(slices: Sequence[Slice], folder: Path) -> Image:
    """The volume of a series.

    Each slice is read straight to its place in the volume; above the volume, one slice a thread is held in memory.

    Args:
        slices: All slices of one series, in any order.
        folder: Where they lie, for messages and `Source.path`.

    Raises:
        FormatError: Not slices of a volume, damaged, or cut off.
        GeometryError: They do not make an even volume; the message says why and names the slices.
        StorageError: The volume does not fit into memory.
    """
    ordered, header = _ordered_header(slices, folder)
    check_memory(folder, header.shape, header.dtype.itemsize)
    volume = np.empty(header.shape, dtype=header.dtype)
    fillers = [_filler(one) for one in ordered]
    by_threads = [(filler, volume[index]) for index, filler in enumerate(fillers) if filler is not None]

    def work(task: int) -> None:
        filler, out = by_threads[task]
        filler(out)

    for_each(len(by_threads), work)
    for index, filler in enumerate(fillers):
        if filler is None:  # decoded by pydicom, which holds Python's lock: threads would not help
            _fill_by_pydicom(ordered[index], volume[index])
    return Image(
        voxels=volume[np.newaxis],
        affine=header.affine,
        modality=header.modality,
        spacing_kind=header.spacing_kind,
        windows=header.windows,
        source=header.source,
    )


def _ordered_header(slices: Sequence[Slice], folder: Path) -> tuple[list[Slice], Header]:
    _check_stackable(slices, folder)
    order, affine = _stack(slices, folder)
    ordered = [slices[index] for index in order]
    first = ordered[0]
    with readable_header(first.path):
        dataset = open_dataset(first.path, pixels=False)
        source = source_of(dataset, folder, sop_uids=tuple(one.sop_uid for one in ordered))
        windows = windows_of(dataset, mirror=_intensity(first).mirror)
    header = Header(
        shape=(len(ordered), first.rows, first.columns),
        channels=1,
        dtype=_volume_dtype(ordered),
        affine=affine,
        format="dicom",
        modality=first.modality,
        spacing_kind="patient",
        source=source,
        windows=windows,
    )
    return ordered, header


def _stack(slices: Sequence[Slice], folder: Path) -> tuple[Sequence[int], FloatArray]:
    planes = [
        Plane(one.label, one.position_mm, one.orientation, one.pixel_spacing_mm, one.rows, one.columns)
        for one in slices
    ]  # fmt: skip
    order, affine = stack(planes, str(folder))
    return order.tolist(), affine


def _check_stackable(slices: Sequence[Slice], folder: Path) -> None:
    _check_one_study(slices, folder)
    flat = [one.label for one in slices if not one.stackable or len(one.pixel_spacing_mm) != 2 or one.samples != 1]
    if flat:
        raise FormatError(
            f"{folder}: its {len(slices)} images are not slices of one volume (no position in the patient, colour or "
            f"several frames, as in {flat[0]}); name one file, or work through the folder image by image"
        )


def _check_one_study(slices: Sequence[Slice], folder: Path) -> None:
    """Refuse slices of several patients or studies that share a series UID, or have none."""
    for what, owners in (("patient", [one.patient for one in slices]), ("study", [one.study_uid for one in slices])):
        counts = Counter(owners)
        if len(counts) > 1:
            rarest = min(counts, key=lambda owner: counts[owner])
            odd = [one.label for one, owner in zip(slices, owners, strict=True) if owner == rarest]
            raise FormatError(
                f"{folder}: its {len(slices)} slices name the same series, but not the same {what}: {odd[0]} and "
                f"{len(odd) - 1} more are of {rarest or 'none'}; move them to a folder of their own"
            )


def _intensity(one: Slice) -> Intensity:
    if one.has_lut:
        with readable_header(one.path):
            return intensity_of(open_dataset(one.path, pixels=False))
    return linear(
        one.slope, one.intercept,
        bits_stored=one.bits_stored, signed=one.signed, monochrome1=one.photometric == "MONOCHROME1",
    )  # fmt: skip


def _frame_format(one: Slice) -> FrameFormat:
    if one.bits_allocated not in (8, 16, 32):
        raise FormatError(f"{one.path}: slices of {one.bits_allocated} bits a pixel are not read; expected 8, 16 or 32")
    return FrameFormat(one.rows, one.columns, one.bits_allocated, one.bits_stored, one.signed)


def _volume_dtype(slices: Sequence[Slice]) -> np.dtype[np.generic]:
    """The stored type where all slices share one and none is rescaled, else float32."""
    stored = {_frame_format(one).dtype for one in slices}
    whole = all(not one.has_lut and one.slope in (0.0, 1.0) and one.intercept == 0.0 for one in slices)
    return stored.pop() if whole and len(stored) == 1 else np.dtype(np.float32)


Filler = Callable[[VoxelArray], None]


def _filler(one: Slice) -> Filler | None:
    """A function that reads the slice into its place and may run in a thread; None where pydicom must do it."""
    if one.pixel_offset < 0 or one.has_lut:
        return None
    if one.transfer_syntax in PLAIN:
        return lambda out: _fill_plain(one, out)
    codec = codec_for(one.transfer_syntax) if one.bits_allocated in (8, 16) else None
    return None if codec is None else lambda out: _fill_compressed(one, codec, out)


_scratch = threading.local()


def _fill_plain(one: Slice, out: VoxelArray) -> None:
    dtype = _frame_format(one).dtype.newbyteorder("<")
    needed = one.rows * one.columns * dtype.itemsize
    check_bytes(one.path, (one.rows, one.columns), needed=needed, present=one.pixel_length)
    intensity = _intensity(one)
    if intensity.keeps_type and intensity.mirror is None and out.dtype == dtype:
        _read_into(one, out.reshape(-1).view(np.uint8).data)
        correct_unused_bits(out, one.bits_stored)
        return
    buffer = getattr(_scratch, "buffer", None)
    if buffer is None or len(buffer) < needed:
        buffer = _scratch.buffer = np.empty(needed, dtype=np.uint8)
    _read_into(one, buffer[:needed].data)
    stored = buffer[:needed].view(dtype).reshape(one.rows, one.columns)
    correct_unused_bits(stored, one.bits_stored)
    _apply(intensity, stored, out)


def _read_into(one: Slice, target: memoryview) -> None:
    with open(one.path, "rb", buffering=0) as stream:
        stream.seek(one.pixel_offset)
        done = 0
        while done < len(target):
            count = stream.readinto(target[done:])
            if not count:
                check_bytes(one.path, (one.rows, one.columns), needed=len(target), present=done)
            done += count or 0


def _fill_compressed(one: Slice, codec: Codec, out: VoxelArray) -> None:
    try:
        stored = decode_grey(codec, _fragments(one), _frame_format(one))
    except ValueError as error:
        raise FormatError(
            f"{one.path}: its compressed pixel data could not be decoded: {error}; the file is damaged, copy it again"
        ) from error
    _apply(_intensity(one), stored, out)


def _fragments(one: Slice) -> bytes:
    """The compressed frame, its fragments joined; the first item is the offset table and is left out (PS3.5 A.4)."""
    with open(one.path, "rb", buffering=0) as stream:
        stream.seek(one.pixel_offset)
        data = stream.read()
    parts, position = [], 0
    while data[position : position + 4] == _ITEM:
        length = int.from_bytes(data[position + 4 : position + _ITEM_HEAD], "little")
        parts.append(data[position + _ITEM_HEAD : position + _ITEM_HEAD + length])
        position += _ITEM_HEAD + length
    if position > len(data) or len(parts) < 2:
        raise ValueError("the file is cut off within them")
    return parts[1] if len(parts) == 2 else b"".join(parts[1:])


def _fill_by_pydicom(one: Slice, out: VoxelArray) -> None:
    with readable_header(one.path):
        dataset = open_dataset(one.path, pixels=True)
        stored = decode(dataset, one.path)
        intensity = intensity_of(dataset)
    _apply(intensity, stored[0], out)


def _apply(intensity: Intensity, stored: VoxelArray, out: VoxelArray) -> None:
    if intensity.keeps_type and out.dtype != stored.dtype:
        whole = np.empty(stored.shape, dtype=stored.dtype)
        intensity.apply(stored, whole)
        np.copyto(out, whole, casting="unsafe")
    else:
        intensity.apply(stored, out)
