"""NRRD and MetaImage (MHA, MHD) through SimpleITK, whose world is LPS as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.capacity import check_bytes, check_memory
from hounsfield.formats.finite import check_finite
from hounsfield.formats.header import Header
from hounsfield.image import Image, Source

_READERS = {"nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
_COLOURS = (1, 3)
_DETACHED = {"nrrd": (b"data file:", b"datafile:"), "metaimage": (b"ElementDataFile",)}
_MOST_GZIP_RATIO = 1100
"""Deflate cannot pack tighter than 1032 : 1."""


def read_itk(path: Path, kind: str) -> Image:
    """The image of an NRRD or MetaImage file.

    Args:
        path: The file, or the header of a detached pair.
        kind: "nrrd" or "metaimage".

    Raises:
        FormatError: Damaged, cut off, of more than three dimensions, or with values that are not numbers.
        GeometryError: Its directions are not at right angles.
        StorageError: It does not fit into memory.
    """
    import SimpleITK

    sitk: Any = SimpleITK  # its functions carry no types
    reader, header = _open(path, kind)
    check_memory(path, (header.channels, *header.shape), header.dtype.itemsize)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise FormatError(f"{path}: {_reason(error)}; it is cut off or damaged, copy it again") from error
    array = sitk.GetArrayFromImage(image)
    if array.ndim == 2 + (header.channels > 1):
        array = array[np.newaxis]
    voxels = np.ascontiguousarray(np.moveaxis(array, -1, 0)) if header.channels > 1 else array[np.newaxis]
    check_finite(path, voxels)
    return Image(voxels=voxels, affine=header.affine, spacing_kind=header.spacing_kind, source=header.source)


def itk_header(path: Path, kind: str) -> Header:
    """The header of an NRRD or MetaImage file, without its voxels.

    Raises:
        FormatError: As `read_itk`.
        GeometryError: As `read_itk`.
    """
    return _open(path, kind)[1]


def _open(path: Path, kind: str) -> tuple[Any, Header]:
    import SimpleITK

    sitk: Any = SimpleITK  # its functions carry no types
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_READERS[kind])
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise FormatError(f"{path}: its {kind} header cannot be read: {_reason(error)}") from error
    dimension, channels = reader.GetDimension(), reader.GetNumberOfComponents()
    size = reader.GetSize()
    if dimension not in (2, 3):
        raise FormatError(f"{path}: has {dimension} dimensions {tuple(size)}; images of two or three are read")
    if channels not in _COLOURS:
        raise FormatError(f"{path}: has {channels} values a voxel; one (grey) or three (colour) are read")
    width, height, depth = (*size, 1)[:3]
    dtype = sitk.GetArrayViewFromImage(sitk.Image([1, 1], reader.GetPixelID(), channels)).dtype
    _check_file(path, kind, (depth, height, width), channels * dtype.itemsize)
    return reader, Header(
        shape=(depth, height, width),
        channels=channels,
        dtype=dtype,
        affine=_affine(reader, dimension, path),
        format=kind,
        spacing_kind="patient",
        source=Source(path=path, format=kind),
    )


def _check_file(path: Path, kind: str, shape: tuple[int, int, int], voxel_bytes: int) -> None:
    """Hold the declared size against the file's, where the voxels stand in the same file."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    lines = [line.strip() for line in head.split(b"\n")]
    local = kind == "metaimage" and any(line.replace(b" ", b"").startswith(b"ElementDataFile=LOCAL") for line in lines)
    detached = any(line.startswith(_DETACHED[kind]) for line in lines) and not local
    if not detached:
        needed = int(np.prod(shape)) * voxel_bytes // _MOST_GZIP_RATIO
        check_bytes(path, shape, needed=needed, present=path.stat().st_size)


def _affine(reader: Any, dimension: int, path: Path) -> FloatArray:
    directions = np.eye(3)
    directions[:dimension, :dimension] = np.asarray(reader.GetDirection()).reshape(dimension, dimension)
    spacing = (*reader.GetSpacing(), 1.0)[:3]
    try:
        return geometry.affine_from_axes(
            origin_mm=np.asarray((*reader.GetOrigin(), 0.0)[:3]),
            spacing_mm=(spacing[2], spacing[1], spacing[0]),
            directions=directions[:, ::-1],
        )
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error


def _reason(error: RuntimeError) -> str:
    """The last telling line of an ITK exception, without its addresses."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ")[-1] if lines else "unknown reason"
