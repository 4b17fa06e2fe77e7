"""One DICOM file: a single image, a cine or an enhanced volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.errors import FormatError
from hounsfield.formats.dicom_dataset import open_dataset, readable_header
from hounsfield.formats.dicom_layout import Layout, layout_of
from hounsfield.formats.dicom_pixels import decode, frames_of
from hounsfield.formats.dicom_refusals import refusal
from hounsfield.formats.dicom_source import source_of
from hounsfield.formats.finite import check_finite
from hounsfield.formats.header import Header
from hounsfield.image import Image

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def read_dicom(path: Path) -> Image:
    """The image of one DICOM file; see `hounsfield.formats.read` for what is done to its values.

    Raises:
        FormatError: No image in it, damaged, or of a kind that is not read.
        GeometryError: The frames do not make an even volume.
        StorageError: It does not fit into memory.
    """
    with readable_header(path):
        dataset = _open_image(path, pixels=True)
        stored = decode(dataset, path)
        layout = layout_of(dataset, path, len(stored))
        header = _header(dataset, layout, path, shape=stored.shape[:3])
    voxels = _voxels(stored, layout)
    check_finite(path, voxels)
    return Image(
        voxels=voxels,
        affine=header.affine,
        modality=header.modality,
        spacing_kind=header.spacing_kind,
        windows=header.windows,
        source=header.source,
    )


def dicom_header(path: Path) -> Header:
    """The header of one DICOM file, without reading its pixels.

    Raises:
        FormatError: As `read_dicom`.
        GeometryError: As `read_dicom`.
    """
    with readable_header(path):
        dataset = _open_image(path, pixels=False)
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        if rows < 1 or columns < 1:
            raise FormatError(f"{path}: this DICOM file has no image: its header declares {rows} x {columns} pixels")
        frames = frames_of(dataset, path)
        return _header(dataset, layout_of(dataset, path, frames), path, shape=(frames, rows, columns))


def _header(dataset: Dataset, layout: Layout, path: Path, *, shape: tuple[int, ...]) -> Header:
    palette = str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR"
    channels = 3 if palette else int(dataset.get("SamplesPerPixel") or 1)
    stored = _stored_dtype(dataset)
    return Header(
        shape=(shape[0], shape[1], shape[2]),
        channels=channels,
        dtype=_dtype(stored, layout) if channels == 1 else stored,
        affine=layout.affine,
        format="dicom",
        modality=str(dataset.get("Modality") or ""),
        spacing_kind=layout.spacing_kind,
        source=replace(source_of(dataset, path), frames=layout.order if len(layout.order) > 1 else ()),
        windows=layout.windows,
    )


def _open_image(path: Path, *, pixels: bool) -> Dataset:
    dataset = open_dataset(path, pixels=pixels)
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    reason = refusal(sop_class)
    if reason:
        raise FormatError(f"{path}: {reason}")
    if len(dataset) == 0:
        raise FormatError(f"{path}: not a DICOM file, or one that is cut off after its first bytes")
    return dataset


def _voxels(stored: VoxelArray, layout: Layout) -> VoxelArray:
    """(channel, depth, height, width) of stored frames, in the layout's order."""
    if stored.ndim == 4:
        return np.ascontiguousarray(np.moveaxis(stored[list(layout.order)], -1, 0))
    dtype = _dtype(stored.dtype, layout)
    plain = all(part.keeps_type and part.mirror is None for part in layout.intensities)
    if plain and layout.order == tuple(range(len(stored))):
        return np.ascontiguousarray(stored)[np.newaxis]
    voxels = np.empty((1, *stored.shape), dtype=dtype)
    for depth, (frame, intensity) in enumerate(zip(layout.order, layout.intensities, strict=True)):
        intensity.apply(stored[frame], voxels[0, depth])
    return voxels


def _dtype(stored: np.dtype[np.generic], layout: Layout) -> np.dtype[np.generic]:
    dtypes = {intensity.dtype(stored) for intensity in layout.intensities}
    return dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float32)


def _stored_dtype(dataset: Dataset) -> np.dtype[np.generic]:
    table = dataset.get("RedPaletteColorLookupTableDescriptor")
    if str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR" and table:
        return np.dtype(np.uint8 if int(table[2]) <= 8 else np.uint16)
    bits = max(int(dataset.get("BitsAllocated") or 8), 8)
    return np.dtype(f"{'i' if dataset.get('PixelRepresentation', 0) == 1 else 'u'}{bits // 8}")
