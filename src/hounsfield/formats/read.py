"""`read`, `header`: any image file or folder, told from its content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.errors import FormatError
from hounsfield.formats.folder import choose, survey
from hounsfield.formats.header import Header
from hounsfield.formats.identify import identify
from hounsfield.formats.openable import openable

if TYPE_CHECKING:
    from hounsfield.formats.dicom_slice import Slice
    from hounsfield.image import Image

KNOWN = "DICOM, NIfTI, NRRD, MetaImage, PNG, JPEG, TIFF, BMP or PNM"


def read(path: Path | str, *, series: str | None = None, files: Sequence[Path] = (), volumes: int = 1) -> Image:
    """The image of a file, or of a folder that holds one image (usually the slices of a DICOM series).

    The content decides, never the suffix. Values: after the modality LUT (CT in Hounsfield units, float32), as stored
    where there is none; MONOCHROME1 turned over, so that bright is dense; colour as three channels, red first.
    Geometry: LPS, millimetres, (depth, height, width); slices sorted by position.

    Args:
        path: File or folder.
        series: UID, or its beginning, of the series wanted from a folder that holds several.
        files: Of that series, where they are known: then the folder is not looked through for them.
        volumes: How many a NIfTI file holds that are channels of one image.

    Raises:
        FormatError: Nothing there, unknown, damaged, several images, or values that are not numbers.
        GeometryError: Slices that do not make an even volume, or a sheared affine.
        StorageError: The image does not fit into memory.
    """
    path = Path(path)
    with openable(path):
        return _read(_target(path, series, files), path, volumes)


def _read(target: Path | tuple[Slice, ...], path: Path, volumes: int) -> Image:
    if isinstance(target, tuple):
        from hounsfield.formats.dicom_series import read_series

        _require_one(path, volumes, "DICOM")
        return read_series(target, path)
    kind = _known(target)
    if kind == "nifti":
        from hounsfield.formats.nifti import read_nifti

        return read_nifti(target, volumes=volumes)
    _require_one(path, volumes, kind)
    if kind == "dicom":
        from hounsfield.formats.dicom import read_dicom

        return read_dicom(target)
    if kind in ("nrrd", "metaimage"):
        from hounsfield.formats.itk import read_itk

        return read_itk(target, kind)
    from hounsfield.formats.raster import read_raster

    return read_raster(target, kind)


def header(path: Path | str, *, series: str | None = None, files: Sequence[Path] = (), volumes: int = 1) -> Header:
    """All that `read` would return but the voxels, without decoding pixels.

    Args:
        path: File or folder.
        series: As in `read`.
        files: As in `read`.
        volumes: As in `read`.

    Raises:
        FormatError: As `read`, as far as it shows without the pixels.
        GeometryError: As `read`.
    """
    path = Path(path)
    with openable(path):
        return _header(_target(path, series, files), path, volumes)


def _header(target: Path | tuple[Slice, ...], path: Path, volumes: int) -> Header:
    if isinstance(target, tuple):
        from hounsfield.formats.dicom_series import series_header

        _require_one(path, volumes, "DICOM")
        return series_header(target, path)
    kind = _known(target)
    if kind == "nifti":
        from hounsfield.formats.nifti import nifti_header

        return nifti_header(target, volumes=volumes)
    _require_one(path, volumes, kind)
    if kind == "dicom":
        from hounsfield.formats.dicom import dicom_header

        return dicom_header(target)
    if kind in ("nrrd", "metaimage"):
        from hounsfield.formats.itk import itk_header

        return itk_header(target, kind)
    from hounsfield.formats.raster import raster_header

    return raster_header(target, kind)


def _target(path: Path, series: str | None, files: Sequence[Path]) -> Path | tuple[Slice, ...]:
    """The file to read, or the slices of the series."""
    if files:
        return _slices(files, series)
    if path.is_dir():
        contents = survey(path, below=False)
        if series is not None or not contents.series:  # a folder of slices is the image, whatever lies below it
            contents = survey(path)
        chosen = choose(contents, path, series)
        if isinstance(chosen, tuple) and len(chosen) == 1:
            return chosen[0].path
        return chosen
    if not path.exists():
        raise FormatError(f"{path}: no such file or folder")
    return path


def _require_one(path: Path, volumes: int, kind: str) -> None:
    """Accept a file that is not NIfTI where it is to hold one image.

    Raises:
        FormatError: It is to hold several.
    """
    if volumes > 1:
        raise FormatError(
            f"{path}: {volumes} channels were expected in one file, as NIfTI can hold them, and it is {kind.upper()}: "
            "name a file for each channel"
        )


def _slices(files: Sequence[Path], series: str | None) -> tuple[Slice, ...]:
    from hounsfield.formats.dicom_slice import read_slice

    slices = tuple(read_slice(file) for file in files)
    if odd := [one for one in slices if not one.series_uid.startswith(series or "")]:
        raise FormatError(
            f"{odd[0].path} was of the series {series} and is now of {odd[0].series_uid or 'none'}: it was changed "
            "while in use; give the command again"
        )
    return slices


def _known(path: Path) -> str:
    kind = identify(path)
    if kind is not None:
        return kind
    size = path.stat().st_size
    if size == 0:
        raise FormatError(f"{path}: the file is empty (0 bytes); copy it again from its source")
    with path.open("rb") as stream:
        packed = stream.read(2)
    if packed in (b"\x1f\x8b", b"PK"):
        raise FormatError(f"{path}: a packed archive that holds no NIfTI image; unpack it first")
    raise FormatError(f"{path}: not an image of a known format ({KNOWN}); look what it is, or leave it out")
