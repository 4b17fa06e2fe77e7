"""NIfTI-1 and -2, single file or pair, plain or gzipped: RAS is turned into LPS here, at the border of the package."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import FloatArray, VoxelArray
from hounsfield.errors import FormatError, GeometryError
from hounsfield.formats.capacity import check_bytes, check_memory
from hounsfield.formats.finite import check_finite
from hounsfield.formats.header import Header
from hounsfield.formats.quiet import quiet
from hounsfield.image import Image, Source

SHEAR_TOLERANCE = 1e-3
"""Largest cosine between two axes that still counts as a right angle; 0.06 degrees."""
_UNITS_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_CHUNK = 1 << 20
_RGB = ("R", "G", "B")
_VECTORS = (*range(1004, 1011), *range(2006, 2019))
"""Intent codes of numbers that are parts of one, such as the axes of a displacement: NIFTI_INTENT_GENMATRIX to
NIFTI_INTENT_QUATERNION of nifti1.h, and FSL's fields and coefficients."""


def read_nifti(path: Path, *, volumes: int = 1) -> Image:
    """The image of a NIfTI file, scaled by its slope and intercept where it has them (then float32).

    Args:
        path: The file.
        volumes: How many there are in it, along the fourth axis; they become channels.

    Raises:
        FormatError: Damaged, cut off, with another number of volumes, with vectors in their place, or with values that
            are not numbers.
        GeometryError: A sheared affine.
        StorageError: It does not fit into memory.
    """
    source = _load(path)
    header = _header(source, path, volumes)
    depth, height, width = header.shape
    check_memory(path, (header.channels, *header.shape), header.dtype.itemsize)
    try:
        with quiet():
            stored = np.asarray(source.dataobj.get_unscaled())
            _check_packing(source)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FormatError(
            f"{path}: its voxels cannot be read ({error}); it is cut off or damaged, copy it again"
        ) from error
    if stored.dtype.names:
        channels = [stored[name].reshape(width, height, depth, order="F").T for name in _RGB]
        voxels: VoxelArray = np.stack(channels)
    else:
        slices = stored.reshape(width, height, depth * volumes, order="F").T
        voxels = _scaled(source, slices, header.dtype).reshape(volumes, depth, height, width)
    check_finite(path, voxels)
    return Image(voxels=voxels, affine=header.affine, spacing_kind=header.spacing_kind, source=header.source)


def nifti_header(path: Path, *, volumes: int = 1) -> Header:
    """The header of a NIfTI file, without its voxels.

    Args:
        path: As `read_nifti`, as is the next one.
        volumes: How many there are in it.

    Raises:
        FormatError: As `read_nifti`.
        GeometryError: As `read_nifti`.
    """
    return _header(_load(path), path, volumes)


def _load(path: Path) -> Any:
    """nibabel's image; the voxels stay on disk. nibabel goes by the suffix, so the stream is opened here."""
    import nibabel

    nib: Any = nibabel  # its functions carry no types

    packed = _is_gzip(path)
    opener: Any = gzip.open if packed else open
    try:
        with opener(path, "rb") as stream:
            head = stream.read(348)
        second = int.from_bytes(head[:4], "little") == 540 or int.from_bytes(head[:4], "big") == 540
        pair = (head[4:8] if second else head[344:348]) in (b"ni1\0", b"ni2\0")
        with quiet():
            if pair:
                whole = (nib.Nifti2Pair if second else nib.Nifti1Pair).from_filename(str(path))
            else:
                holder = nib.FileHolder(fileobj=opener(path, "rb")) if packed else nib.FileHolder(filename=str(path))
                kind = nib.Nifti2Image if second else nib.Nifti1Image
                whole = kind.from_file_map({"image": holder, "header": holder}, mmap=False)
    except Exception as error:  # nibabel raises what it trips over, from HeaderDataError to struct.error
        raise FormatError(f"{path}: its NIfTI header cannot be read ({error}); it is damaged, copy it again") from error
    return whole


def _header(source: Any, path: Path, volumes: int) -> Header:
    shape = _spatial_shape(source, path, volumes)
    stored = source.header.get_data_dtype()
    affine, placed = _affine(source, path)
    dtype = np.dtype(np.uint8) if stored.names else _result_dtype(source, stored)
    if stored.kind == "c" or (stored.names and (stored.names[:3] != _RGB or volumes > 1)):
        raise FormatError(f"{path}: its voxels are of type {stored}; only real numbers and RGB colours are read")
    if not str(path).endswith(".gz") and not _is_gzip(path) and not _is_pair(source):
        offset = int(source.dataobj.offset)
        needed = int(np.prod(shape)) * volumes * stored.itemsize
        check_bytes(path, shape, needed=needed, present=path.stat().st_size - offset)
    return Header(
        shape=shape,
        channels=3 if stored.names else volumes,
        dtype=dtype,
        affine=affine,
        format="nifti",
        spacing_kind="patient" if placed else "none",
        source=Source(path=path, format="nifti", description=_description(source)),
    )


def _check_packing(source: Any) -> None:
    """Read a gzipped file to its end, where the checksum of its content stands: what was damaged must not pass."""
    stream = source.file_map["image"].fileobj
    if isinstance(stream, gzip.GzipFile):
        while stream.read(_CHUNK):
            pass


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _is_pair(source: Any) -> bool:
    return (
        "image" in source.file_map
        and source.file_map["image"].filename != source.file_map.get("header", source.file_map["image"]).filename
    )


def _description(source: Any) -> str:
    return bytes(source.header["descrip"].tobytes()).split(b"\0")[0].decode("latin-1").strip()


def _spatial_shape(source: Any, path: Path, volumes: int) -> tuple[int, int, int]:
    """(depth, height, width); NIfTI's own order is (i, j, k, t, …).

    Raises:
        FormatError: Another number of volumes than is wanted, vectors in their place, or no voxels.
    """
    shape = tuple(int(length) for length in source.shape)
    there = prod(shape[3:])
    if there > 1 and volumes == 1:
        raise FormatError(
            f"{path}: a series of {' x '.join(str(length) for length in shape[3:])} volumes (its shape is {shape}); "
            "one volume a file is read: split it along its fourth axis first; where they are channels of one image "
            "have the data's description or dataset.json name them, where they are labels number them in one volume"
        )
    if 0 < there != volumes:
        raise FormatError(
            f"{path}: {volumes} channels were expected, and it holds {there} volume{'' if there == 1 else 's'} (its "
            f"shape is {shape}); name as many in the data's description or dataset.json, or give a file with all"
        )
    if volumes > 1 and (prod(shape[4:]) > 1 or int(source.header["intent_code"]) in _VECTORS):
        raise FormatError(
            f"{path}: its numbers are the parts of vectors or the like (its shape is {shape}), and volumes along the "
            "fourth axis were expected, each a channel"
        )
    width, height, depth = (*shape[:3], 1, 1)[:3]
    if width < 1 or height < 1 or depth < 1:
        raise FormatError(f"{path}: its shape {shape} holds no voxels")
    return depth, height, width


def _affine(source: Any, path: Path) -> tuple[FloatArray, bool]:
    """The affine in LPS over (d, h, w), and whether lengths are known.

    With neither sform nor qform (both codes 0) only the voxel sizes are known: then the axes are taken as our own.
    Sizes that are all exactly 1 and were never set apart from that mean nothing.
    """
    header = source.header
    units = _UNITS_MM.get(_length_unit(header), 1.0)
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        width, height, depth = (*(abs(float(zoom)) * units for zoom in header.get_zooms()[:3]), 1.0, 1.0)[:3]
        if min(width, height, depth) <= 0:
            raise GeometryError(f"{path}: a voxel size of 0 mm and neither sform nor qform; set them in the header")
        affine = geometry.planar_affine((height, width))
        affine[2, 0] = depth
        return affine, (width, height, depth) != (1.0, 1.0, 1.0)
    ras: FloatArray = np.asarray(source.affine, dtype=np.float64).copy()
    ras[:3] *= units
    affine = geometry.RAS_FROM_LPS @ ras[:, [2, 1, 0, 3]]
    _check_axes(affine, path)
    return affine, True


def _length_unit(header: Any) -> str:
    """The name of the unit of length; "unknown" for a code that the standard does not give a meaning."""
    try:
        return str(header.get_xyzt_units()[0])
    except KeyError:
        return "unknown"


def _check_axes(affine: FloatArray, path: Path) -> None:
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or lengths.min() <= 0:
        raise GeometryError(f"{path}: its affine has an axis of length 0 or values that are not numbers; set it again")
    axes = affine[:3, :3] / lengths
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > SHEAR_TOLERANCE:
        degrees = float(np.degrees(np.arcsin(min(cosine, 1.0))))
        raise GeometryError(
            f"{path}: its affine is sheared: two axes are {degrees:.1f} degrees away from a right angle; "
            "resample the image onto a grid with right angles first"
        )


def _result_dtype(source: Any, stored: np.dtype[Any]) -> np.dtype[Any]:
    slope, intercept = _slope_intercept(source)
    return stored.newbyteorder("=") if (slope, intercept) == (1.0, 0.0) else np.dtype(np.float32)


def _slope_intercept(source: Any) -> tuple[float, float]:
    return float(source.dataobj.slope), float(source.dataobj.inter)


def _scaled(source: Any, stored: VoxelArray, dtype: np.dtype[Any]) -> VoxelArray:
    slope, intercept = _slope_intercept(source)
    if (slope, intercept) == (1.0, 0.0):
        return np.ascontiguousarray(stored.astype(dtype, copy=False))
    voxels = np.empty(stored.shape, dtype=np.float32)
    for plane, out in zip(stored, voxels, strict=True):
        np.copyto(out, plane * np.float64(slope) + intercept, casting="same_kind")
    return voxels
