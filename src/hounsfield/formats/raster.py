"""PNG, JPEG, TIFF, BMP and PNM: 1, 8 and 16 bits, palettes, floating-point and multi-page TIFF.

Pillow reads the header, OpenCV the pixels; Pillow takes over for what OpenCV changes on the way (palettes, 1 bit,
alpha beside grey). An alpha channel says what to show, not what was measured: it is dropped. A picture that is stored
in colour and grey in every pixel stays in colour: what to make of that is for preprocessing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hounsfield import geometry
from hounsfield.arrays import VoxelArray
from hounsfield.errors import FormatError
from hounsfield.formats.capacity import check_bytes, check_memory
from hounsfield.formats.finite import check_finite
from hounsfield.formats.header import Header
from hounsfield.formats.quiet import quiet
from hounsfield.image import Image, Source

_MOST_PIXELS_PER_BYTE = {"png": 8300, "jpeg": 1100, "tiff": 400_000, "bmp": 600, "pnm": 8}
"""What a byte of the file can stand for at the utmost: deflate packs 1032 : 1, 8 one-bit pixels a byte; a JPEG needs
at least a bit for 64 pixels of each component; a fax line of a TIFF can be a few bits."""
_MODE_DTYPES: dict[str, tuple[str, int]] = {
    "1": ("u1", 1), "L": ("u1", 1), "LA": ("u1", 1), "La": ("u1", 1), "P": ("u1", 3), "PA": ("u1", 3),
    "RGB": ("u1", 3), "RGBA": ("u1", 3), "RGBX": ("u1", 3), "RGBa": ("u1", 3), "CMYK": ("u1", 3), "YCbCr": ("u1", 3),
    "LAB": ("u1", 3), "I;16": ("u2", 1), "I;16B": ("u2", 1), "I;16L": ("u2", 1), "I": ("i4", 1), "F": ("f4", 1),
}  # fmt: skip
"""Type and channels of the voxels by Pillow's mode."""
_BY_PILLOW = ("1", "P", "PA", "LA", "La", "CMYK", "YCbCr", "LAB")
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_SAMPLES, _TIFF_FORMAT = 258, 262, 277, 339


def read_raster(path: Path, kind: str) -> Image:
    """The picture; the pages of a TIFF are its slices.

    Args:
        path: The file.
        kind: As `identify` names it.

    Raises:
        FormatError: Damaged, cut off, pages of several sizes, or values that are not numbers.
        StorageError: It does not fit into memory.
    """
    header, mode = _header(path, kind)
    check_memory(path, (header.channels, *header.shape), header.dtype.itemsize)
    by_pillow = mode in _BY_PILLOW and header.dtype == np.uint8  # it would cut 16 bits beside alpha down to 8
    pages = _pages_by_pillow(path, header) if by_pillow else _pages_by_opencv(path, kind, header.channels)
    if not by_pillow and _white_is_zero(path, kind) and header.dtype == np.uint16:  # with 8 bits OpenCV turns it over
        pages = [np.iinfo(np.uint16).max - page for page in pages]
    sizes = {page.shape for page in pages}
    if len(sizes) > 1:
        raise FormatError(f"{path}: its pages are of several sizes {sorted(sizes)}; split it into one file a page")
    stacked = np.stack(pages)
    voxels = np.moveaxis(stacked, -1, 0) if stacked.ndim == 4 else stacked[np.newaxis]
    voxels = np.ascontiguousarray(voxels)
    check_finite(path, voxels)
    return Image(voxels=voxels, affine=header.affine, source=header.source)


def _white_is_zero(path: Path, kind: str) -> bool:
    """Whether a TIFF says that its lowest value is white; its values are turned over, so that bright is high."""
    from PIL import Image as Pillow

    if kind != "tiff":
        return False
    with quiet(), Pillow.open(path) as picture:
        return int(getattr(picture, "tag_v2", {}).get(_TIFF_PHOTOMETRIC, 1)) == 0


def raster_header(path: Path, kind: str) -> Header:
    """The header of a picture, without its pixels.

    Raises:
        FormatError: As `read_raster`.
    """
    return _header(path, kind)[0]


def _header(path: Path, kind: str) -> tuple[Header, str]:
    from PIL import Image as Pillow

    try:
        with quiet():  # Pillow warns of large pictures, whose size is checked here, and of odd tags
            limit, Pillow.MAX_IMAGE_PIXELS = Pillow.MAX_IMAGE_PIXELS, None
            try:
                with Pillow.open(path) as picture:
                    size, mode, pages = picture.size, picture.mode, int(getattr(picture, "n_frames", 1))
                    dtype, channels = _type(picture, kind)
            finally:
                Pillow.MAX_IMAGE_PIXELS = limit
    except FormatError:
        raise
    except Exception as error:  # Pillow raises SyntaxError, struct.error, ValueError … beside its own error
        raise FormatError(
            f"{path}: its {kind} header cannot be read ({error}); it is damaged, copy it again"
        ) from error
    width, height = size
    pages = pages if kind == "tiff" else 1
    check_bytes(
        path, (height, width),
        needed=pages * width * height // _MOST_PIXELS_PER_BYTE[kind], present=path.stat().st_size,
    )  # fmt: skip
    header = Header(
        shape=(pages, height, width),
        channels=channels,
        dtype=dtype,
        affine=geometry.planar_affine(),
        format=kind,
        source=Source(path=path, format=kind),
    )
    return header, mode


def _type(picture: Any, kind: str) -> tuple[np.dtype[Any], int]:
    if kind == "tiff" and picture.mode not in _BY_PILLOW:
        tags = picture.tag_v2
        bits, samples = int(tags.get(_TIFF_BITS, (1,))[0]), int(tags.get(_TIFF_SAMPLES, 1))
        letter = {1: "u", 2: "i", 3: "f"}.get(int(tags.get(_TIFF_FORMAT, (1,))[0]), "u")
        return np.dtype(f"{letter}{max(bits, 8) // 8}"), 3 if samples >= 3 else 1
    name, channels = _MODE_DTYPES.get(picture.mode, ("u1", 3))
    if kind in ("png", "pnm") and picture.mode == "I":
        name = "u2"
    if kind == "png" and _png_depth(picture) == 16:
        name = "u2"
    if picture.mode == "P" and _grey_palette(picture):
        channels = 1
    return np.dtype(name), channels


def _png_depth(picture: Any) -> int:
    with open(picture.filename, "rb") as stream:
        return stream.read(25)[24]


def _grey_palette(picture: Any) -> bool:
    table = np.asarray(picture.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
    return bool((table == table[:, :1]).all())


def _pages_by_pillow(path: Path, header: Header) -> list[VoxelArray]:
    from PIL import Image as Pillow

    target = "L" if header.channels == 1 else "RGB"
    try:
        with quiet(), Pillow.open(path) as picture:
            pages = []
            for page in range(header.shape[0]):
                picture.seek(page)
                pages.append(np.asarray(picture.convert(target)))
            return pages
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise FormatError(
            f"{path}: its pixels cannot be read ({error}); it is cut off or damaged, copy it again"
        ) from error


def _pages_by_opencv(path: Path, kind: str, channels: int) -> list[VoxelArray]:
    import cv2

    data = np.fromfile(path, dtype=np.uint8)
    if kind in ("jpeg", "png"):
        _check_end(path, kind, data)
    try:
        if kind == "tiff":
            whole, pages = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED)
        else:
            page = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
            whole, pages = page is not None, [] if page is None else [page]
    except cv2.error as error:
        raise FormatError(f"{path}: its pixels cannot be read ({error.err or error}); it is damaged") from error
    if not whole or not pages:
        raise FormatError(f"{path}: its pixels cannot be read; it is cut off or damaged, copy it again")
    return [_red_first(page, channels) for page in pages]


def _check_end(path: Path, kind: str, data: VoxelArray) -> None:
    """A cut-off JPEG or PNG would be decoded all the same, its lower part grey: so the end marker must be there."""
    marker = b"IEND" if kind == "png" else b"\xff\xd9"
    if marker not in data[-(1 << 16) :].tobytes():
        raise FormatError(f"{path}: the {kind} file has no end: it is cut off, copy it again from its source")


def _red_first(page: VoxelArray, channels: int) -> VoxelArray:
    """OpenCV's blue, green, red (and alpha) as red, green, blue, or as grey where the file holds grey and alpha."""
    if page.ndim == 2:
        return page
    grey: VoxelArray = page[..., 0]
    return grey if channels == 1 or page.shape[-1] == 1 else page[..., 2::-1]
