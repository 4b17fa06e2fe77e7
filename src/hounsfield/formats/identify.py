"""The format of a file, from its first bytes; the name and its suffix are never looked at."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_HEAD_BYTES = 4096
_DICOM_MAGIC_AT = 128
_NIFTI1 = (348, 344, (b"n+1\0", b"ni1\0"))
_NIFTI2 = (540, 4, (b"n+2\0", b"ni2\0"))
"""Header size, where the magic stands, and the magic (nifti1.h, nifti2.h)."""

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"NRRD000", "nrrd"),
)
_BMP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
"""Lengths of the second header of a bitmap; text may begin with the same two letters as the first."""
_PNM = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")
_META_IMAGE_KEYS = (b"ObjectType", b"NDims", b"Comment")
_DICOM_FIRST_GROUPS = (0x0002, 0x0008)
"""A DICOM file without its preamble begins with the meta information or with group 0008."""
_PLAUSIBLE_FIRST_LENGTH = 256
"""The first element of such a file is a group length, a character set or a UID: never longer than this."""
_VALUE_REPRESENTATIONS = (b"UL", b"UI", b"CS", b"SH", b"LO", b"OB", b"DA", b"TM", b"DT", b"IS", b"US")


def identify(path: Path | str) -> str | None:
    """ "dicom", "nifti", "nrrd", "metaimage", "png", "jpeg", "tiff", "bmp" or "pnm"; None when unknown or not a file.

    Reads at most four kilobytes.
    """
    path = Path(path)
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return identify_bytes(stream.read(_HEAD_BYTES))


def identify_bytes(head: bytes) -> str | None:
    """As `identify`, of the first bytes of a file (four kilobytes are enough)."""
    if head[_DICOM_MAGIC_AT : _DICOM_MAGIC_AT + 4] == b"DICM":
        return "dicom"
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return name
    if head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:18] in _BMP_HEADERS:
        return "bmp"
    if head[:2] in _PNM and head[2:3].isspace():
        return "pnm"
    if head.startswith(b"\x1f\x8b"):
        return "nifti" if _is_nifti(_first_unzipped(head)) else None
    if _is_nifti(head):
        return "nifti"
    if head.lstrip().startswith(_META_IMAGE_KEYS) and b"=" in head[:64]:
        return "metaimage"
    if _is_bare_dicom(head):
        return "dicom"
    return None


def _first_unzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return b""


def _is_nifti(head: bytes) -> bool:
    for size, at, magics in (_NIFTI1, _NIFTI2):
        if len(head) < size:
            continue
        if size in (struct.unpack_from("<i", head)[0], struct.unpack_from(">i", head)[0]):
            return head[at : at + 4] in magics
    return False


def _is_bare_dicom(head: bytes) -> bool:
    """Whether the bytes begin with a plausible data element in any of DICOM's three encodings (PS3.5 7.1)."""
    if len(head) < 12:
        return False
    for order in ("<", ">"):
        group, element, length = struct.unpack_from(f"{order}HHI", head)
        if group not in _DICOM_FIRST_GROUPS or element > 0x0100:
            continue
        if head[4:6] in _VALUE_REPRESENTATIONS or 0 < length <= _PLAUSIBLE_FIRST_LENGTH:
            return True
    return False
