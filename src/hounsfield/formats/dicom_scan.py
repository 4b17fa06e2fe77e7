"""The few tags that sorting a series needs, read from a DICOM file's bytes without building a data set.

A series of 300 files has some 75,000 data elements, of which 20 a file matter here. pydicom makes an object of each,
about a millisecond a file; this loop steps over them in a tenth of that. It knows only the two plain little-endian
encodings (PS3.5 A.1, A.2), explicit and implicit, and answers None at anything else or anything odd: `dicom_slice`
then asks pydicom. A test compares both on every file that pydicom ships.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Value = str | int | tuple[float, ...] | tuple[str, ...]
Kind = Literal["text", "texts", "number", "decimals", "presence"]

WANTED: dict[int, tuple[str, Kind]] = {
    0x00020010: ("TransferSyntaxUID", "text"),
    0x00080008: ("ImageType", "texts"),
    0x00080016: ("SOPClassUID", "text"),
    0x00080018: ("SOPInstanceUID", "text"),
    0x00080060: ("Modality", "text"),
    0x0008103E: ("SeriesDescription", "text"),
    0x00100020: ("PatientID", "text"),
    0x0020000D: ("StudyInstanceUID", "text"),
    0x0020000E: ("SeriesInstanceUID", "text"),
    0x00200011: ("SeriesNumber", "text"),
    0x00200032: ("ImagePositionPatient", "decimals"),
    0x00200037: ("ImageOrientationPatient", "decimals"),
    0x00200052: ("FrameOfReferenceUID", "text"),
    0x00280002: ("SamplesPerPixel", "number"),
    0x00280004: ("PhotometricInterpretation", "text"),
    0x00280008: ("NumberOfFrames", "text"),
    0x00280010: ("Rows", "number"),
    0x00280011: ("Columns", "number"),
    0x00280030: ("PixelSpacing", "decimals"),
    0x00280100: ("BitsAllocated", "number"),
    0x00280101: ("BitsStored", "number"),
    0x00280103: ("PixelRepresentation", "number"),
    0x00281052: ("RescaleIntercept", "decimals"),
    0x00281053: ("RescaleSlope", "decimals"),
    0x00283000: ("ModalityLUTSequence", "presence"),
    0x52009230: ("PerFrameFunctionalGroupsSequence", "presence"),
}
"""Tag, keyword and how the value is read."""

_HEAD_BYTES = 1 << 16
"""What is read at first; few headers are longer, and then the whole file is read."""
_META_AT = 132
_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_NOT_PLAIN = ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
"""Big endian and deflated: left to pydicom."""
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
"""Value representations with a four-byte length (PS3.5 table 7.1-1)."""
_SHORT = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS")
    + (b"ST", b"TM", b"UI", b"UL", b"US")
)
_UNDEFINED = 0xFFFFFFFF


def _swapped(tag: int) -> int:
    """The tag as its four bytes in the file read as one little-endian number."""
    return (tag & 0xFFFF) << 16 | tag >> 16


_SWAPPED = {_swapped(tag): wanted for tag, wanted in WANTED.items()}
_PIXEL_DATA = _swapped(0x7FE00010)
_FLOAT_PIXEL_DATA = (_swapped(0x7FE00008), _swapped(0x7FE00009))
_ITEM_END, _SEQUENCE_END = _swapped(0xFFFEE00D), _swapped(0xFFFEE0DD)
_META_GROUP = b"\x02\x00"

_EXPLICIT_HEAD = struct.Struct("<I2sH")
_IMPLICIT_HEAD = struct.Struct("<II")
_U32 = struct.Struct("<I")
_U16 = struct.Struct("<H")


@dataclass(frozen=True)
class Scan:
    """What was found."""

    values: dict[str, Value]
    """By keyword; a tag that is missing or empty has no entry."""
    pixel_offset: int
    """Where the value of PixelData begins in the file."""
    pixel_length: int
    """Its length in bytes; -1 for encapsulated (compressed) pixel data."""


class _OddError(Exception):
    """Something this loop does not know."""


def scan(path: Path | str, head: bytes = b"") -> Scan | None:
    """The wanted tags and the place of the pixel data; None when pydicom must be asked.

    Args:
        path: The file.
        head: Its first bytes, if they were read before.
    """
    found = _scan_bytes(head) if head else None
    if found is not None:
        return found
    with open(path, "rb", buffering=0) as stream:
        data = stream.read(_HEAD_BYTES)
        found = _scan_bytes(data) if len(data) > len(head) else None
        if found is None and len(data) == _HEAD_BYTES:
            found = _scan_bytes(data + stream.read())
    return found


def _scan_bytes(data: bytes) -> Scan | None:
    if data[_META_AT - 4 : _META_AT] != b"DICM":
        return None
    values: dict[str, Value] = {}
    try:
        start = _walk_meta(data, values)
        syntax = values.get("TransferSyntaxUID")
        if not isinstance(syntax, str) or syntax in _NOT_PLAIN:
            return None
        walk = _walk_implicit if syntax == _IMPLICIT else _walk_explicit
        offset, length = walk(data, start, values)
    except (struct.error, _OddError, ValueError):
        return None
    return Scan(values=values, pixel_offset=offset, pixel_length=length)


def _walk_meta(data: bytes, values: dict[str, Value]) -> int:
    """Step through group 0002, which is always explicit little endian; return where the data set begins."""
    position = _META_AT
    while data[position : position + 2] == _META_GROUP:
        tag, representation, length = _EXPLICIT_HEAD.unpack_from(data, position)
        value = position + 8
        if representation not in _SHORT:
            length, value = _U32.unpack_from(data, position + 8)[0], position + 12
        if tag in _SWAPPED:
            _keep(values, tag, data[value : value + length])
        position = value + length
    return position


def _walk_explicit(data: bytes, position: int, values: dict[str, Value]) -> tuple[int, int]:
    """Step from element to element; return where the pixels begin and their length, -1 when compressed.

    The commonest case comes first, and nothing is done twice: this loop is what a series waits for.
    """
    head, short, wanted = _EXPLICIT_HEAD.unpack_from, _SHORT, _SWAPPED
    while True:
        tag, representation, length = head(data, position)
        if representation in short:
            position += 8
            if tag in wanted:
                _keep(values, tag, data[position : position + length])
            position += length
            continue
        if representation not in _LONG:
            raise _OddError
        length, value = _U32.unpack_from(data, position + 8)[0], position + 12
        if tag == _PIXEL_DATA:
            return value, -1 if length == _UNDEFINED else length
        if length == _UNDEFINED and representation != b"SQ":
            raise _OddError
        position = _pass_long(data, tag, value, length, values, _EXPLICIT_HEAD)


def _walk_implicit(data: bytes, position: int, values: dict[str, Value]) -> tuple[int, int]:
    """As `_walk_explicit`, where elements carry no value representation (PS3.5 A.1)."""
    while True:
        tag, length = _IMPLICIT_HEAD.unpack_from(data, position)
        if tag == _PIXEL_DATA:
            return position + 8, -1 if length == _UNDEFINED else length
        position = _pass_long(data, tag, position + 8, length, values, _IMPLICIT_HEAD)


def _pass_long(data: bytes, tag: int, value: int, length: int, values: dict[str, Value], head: struct.Struct) -> int:
    """Keep the element if it is wanted; return where the next one begins."""
    if tag in _FLOAT_PIXEL_DATA or tag & 0xFFFF == 0xFFFE:
        raise _OddError
    if length == _UNDEFINED:
        if tag in _SWAPPED:
            _keep(values, tag, b"1")
        return _end_of_sequence(data, value, explicit=head is _EXPLICIT_HEAD)
    if tag in _SWAPPED:
        _keep(values, tag, data[value : value + length])
    return value + length


def _end_of_sequence(data: bytes, position: int, *, explicit: bool) -> int:
    """Where the element after a sequence of undefined length begins; sequences in it are counted (PS3.5 7.5.2)."""
    depth = 1
    while depth:
        tag, length = _IMPLICIT_HEAD.unpack_from(data, position)
        value = position + 8
        if explicit and tag & 0xFFFF != 0xFFFE:
            representation, length = data[position + 4 : position + 6], _U16.unpack_from(data, position + 6)[0]
            if representation in _LONG:
                length, value = _U32.unpack_from(data, position + 8)[0], position + 12
            elif representation not in _SHORT:
                raise _OddError
            if length == _UNDEFINED and representation != b"SQ":
                raise _OddError
        if tag in (_ITEM_END, _SEQUENCE_END):
            depth, length = depth - 1, 0
        elif length == _UNDEFINED:
            depth, length = depth + 1, 0
        position = value + length
    return position


def _keep(values: dict[str, Value], tag: int, raw: bytes) -> None:
    keyword, kind = _SWAPPED[tag]
    if kind == "presence":
        if raw:
            values[keyword] = 1
        return
    if kind == "number":
        if len(raw) == 2:
            values[keyword] = _U16.unpack(raw)[0]
        return
    text = raw.strip(b" \0")
    if not text:
        return
    if kind == "decimals":
        values[keyword] = tuple(float(part) for part in text.split(b"\\"))
    elif kind == "texts":
        values[keyword] = tuple(part.strip() for part in text.decode("latin-1").split("\\"))
    else:
        values[keyword] = text.decode("latin-1")
