"""Images out: PNG with 8 or 16 bits, NIfTI. Whole or not there, as everything that is written."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import VoxelArray
from hounsfield.atomic import atomic_file, atomic_folder
from hounsfield.errors import FormatError

if TYPE_CHECKING:
    from hounsfield.image import Image, Window

Bits = Literal[8, 16]

_GZIP_LEVEL = 4
"""Twice as fast as gzip's own choice, files 2 % longer."""
_NIFTI_SCANNER = 1
_NIFTI_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
_RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def write_png(image: Image, path: Path | str, *, bits: Bits = 8, window: Window | str | int | None = None) -> None:
    """Write a planar image as one PNG, a volume as a folder of PNGs, one a slice, numbered in depth order.

    Grey values go through the window: black is 0, white the highest value. Without any window eight-bit values stay as
    they are, and so do unsigned sixteen-bit ones with `bits=16`. Colour is written as it is and takes no window.

    Args:
        image: What is written.
        path: The file, or the folder of a volume.
        bits: 8 or 16.
        window: As in `window.choose_window`; None takes the file's own.

    Raises:
        UsageError: No such window.
        FormatError: Colour with 16 bits, or of a type a PNG cannot hold.
        StorageError: The disk refuses; nothing is left half-written.
    """
    from hounsfield.formats.window import choose_window

    path = Path(path)
    chosen = None if image.channels > 1 or _as_stored(image, bits, window) else choose_window(image, window)
    if image.planar:
        encoded = _png(_page(image, 0, bits, chosen))
        with atomic_file(path) as temporary:
            temporary.write_bytes(encoded)
        return
    digits = max(4, len(str(image.shape[0])))
    with atomic_folder(path) as folder:
        for depth in range(image.shape[0]):
            encoded = _png(_page(image, depth, bits, chosen))
            (folder / f"slice-{depth:0{digits}d}.png").write_bytes(encoded)


def _as_stored(image: Image, bits: Bits, window: Window | str | int | None) -> bool:
    """Whether the values are written unchanged: they fit the bits, and no window is asked for or in the file."""
    fits = image.voxels.dtype == np.uint8 or (bits == 16 and image.voxels.dtype == np.uint16)
    return fits and window is None and not image.windows


def _page(image: Image, depth: int, bits: Bits, window: Window | None) -> VoxelArray:
    """(height, width) or (height, width, 3), red first, uint8 or uint16."""
    from hounsfield.formats.window import apply_window

    plane = image.voxels[:, depth]
    if image.channels > 1:
        if image.channels != 3 or plane.dtype not in (np.uint8, np.uint16):
            raise FormatError(f"{image.source.path}: {image.channels} channels of {plane.dtype} do not fit into a PNG")
        turned: VoxelArray = np.moveaxis(plane, 0, -1)
        return turned
    if window is None:
        kept: VoxelArray = plane[0]
        return kept.astype(np.uint16) if bits == 16 else kept
    top = np.float32((1 << bits) - 1)
    shown: VoxelArray = np.rint(apply_window(plane[0], window) * top).astype(np.uint16 if bits == 16 else np.uint8)
    return shown


def _png(page: VoxelArray) -> bytes:
    import cv2

    blue_first = page[..., ::-1] if page.ndim == 3 else page
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(blue_first))
    if not done:
        raise FormatError(f"OpenCV could not encode a PNG of shape {page.shape}, {page.dtype}")
    return bytes(encoded.tobytes())


def write_nifti(image: Image, path: Path | str, *, description: str = "") -> None:
    """Write NIfTI-1; gzipped when the name ends in ".gz". The values and their type stay as they are.

    An image with a place in the patient gets its affine, in RAS, as sform and qform; one without keeps its voxel sizes.

    Args:
        image: Grey of any real type, or colour of eight bits.
        path: The file.
        description: What the file says of itself, 79 bytes at most.

    Raises:
        FormatError: Channels or a type that NIfTI has no code for.
        StorageError: The disk refuses; nothing is left half-written.
    """
    path = Path(path)
    nifti = _nifti(image)
    nifti.header["descrip"] = description.encode("latin-1", errors="replace")
    with atomic_file(path) as temporary, temporary.open("wb") as raw:
        if path.suffix.lower() == ".gz":
            with gzip.GzipFile(fileobj=raw, filename="", mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as packed:
                nifti.to_stream(packed)
        else:
            nifti.to_stream(raw)


def _nifti(image: Image) -> Any:
    import nibabel

    nib: Any = nibabel  # its functions carry no types
    voxels = image.voxels[0].T  # (i, j, k) = (w, h, d), NIfTI's order, the same memory
    if image.channels == 3 and image.voxels.dtype == np.uint8:
        voxels = np.ascontiguousarray(np.moveaxis(image.voxels, 0, -1)).view(_RGB)[..., 0].T
    elif image.channels != 1:
        raise FormatError(
            f"{image.source.path}: {image.channels} channels of {image.voxels.dtype} do not fit into NIfTI"
        )
    elif voxels.dtype == np.bool_:
        voxels = voxels.astype(np.uint8)
    elif voxels.dtype.str[1:] not in _NIFTI_TYPES:
        raise FormatError(f"{image.source.path}: NIfTI has no code for {voxels.dtype}")
    placed = image.spacing_kind == "patient"
    ras = geometry.RAS_FROM_LPS @ image.affine[:, [2, 1, 0, 3]]
    nifti = nib.Nifti1Image(voxels, ras if placed else None, dtype=voxels.dtype)
    nifti.header.set_xyzt_units("mm")
    if placed:
        nifti.set_sform(ras, code=_NIFTI_SCANNER)
        nifti.set_qform(ras, code=_NIFTI_SCANNER)
    else:
        nifti.header.set_zooms(image.spacing_mm[::-1])
    return nifti
