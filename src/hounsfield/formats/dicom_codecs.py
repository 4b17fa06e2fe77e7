"""Compressed grey frames decoded by imagecodecs, which lets go of Python's lock, so that threads decode in parallel.

Only where the result is the same, bit for bit, as pydicom's with GDCM or pylibjpeg (a test holds both together on all
of pydicom's files); colour is left to pydicom, which knows the colour spaces. 12-bit JPEG (Extended) and
High-Throughput JPEG 2000 are read here alone: no permissively licensed plugin of pydicom has them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hounsfield.arrays import VoxelArray

_JPEG_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")

Codec = Callable[[bytes], VoxelArray]


def codec_for(transfer_syntax: str) -> Codec | None:
    """The decoder of one grey frame; None where pydicom decodes."""
    import imagecodecs

    if transfer_syntax in _JPEG_2000:
        return imagecodecs.jpeg2k_decode
    if transfer_syntax in _HTJ2K:
        return imagecodecs.htj2k_decode
    if transfer_syntax in _JPEG_LS:
        return imagecodecs.jpegls_decode
    if transfer_syntax in _JPEG_LOSSY:
        return imagecodecs.jpeg8_decode
    if transfer_syntax in _JPEG_LOSSLESS:
        return imagecodecs.jpegsof3_decode
    return None


def decode_grey(codec: Codec, frame: bytes, *, rows: int, columns: int, bits: int, signed: bool) -> VoxelArray:
    """One grey frame, (rows, columns), in the stored type.

    Args:
        codec: From `codec_for`.
        frame: The compressed bytes.
        rows: As the header says.
        columns: Likewise.
        bits: BitsAllocated.
        signed: PixelRepresentation.

    Raises:
        ValueError: The frame is damaged, or not of the declared size.
    """
    try:
        decoded = codec(frame)
    except Exception as error:  # every codec of imagecodecs has an error class of its own
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if decoded.shape != (rows, columns):
        raise ValueError(f"the compressed frame is {decoded.shape}, the header says {(rows, columns)}")
    target = np.dtype(f"{'i' if signed else 'u'}{bits // 8}")
    if decoded.dtype.kind == target.kind:
        return decoded.astype(target, copy=False)
    return _with_sign(decoded, target, _precision(frame) or decoded.dtype.itemsize * 8)


def _with_sign(decoded: VoxelArray, target: np.dtype[np.generic], precision: int) -> VoxelArray:
    """The same bits read as signed, or as unsigned, numbers of `precision` bits: the header decides."""
    unsigned = decoded.astype(np.int64) & ((1 << precision) - 1)
    if target.kind == "i":
        unsigned -= (unsigned >> (precision - 1)) << precision
    return unsigned.astype(target)


def _precision(frame: bytes) -> int:
    """Bits of the first component: from a JPEG 2000 SIZ marker or a JPEG frame header; 0 when unknown."""
    at = frame.find(b"\xff\x4f\xff\x51")
    if at >= 0:
        return (frame[at + 42] & 0x7F) + 1
    position = 2
    while frame[:2] == b"\xff\xd8" and position + 4 < len(frame):
        marker, length = frame[position + 1], int.from_bytes(frame[position + 2 : position + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) or marker == 0xF7:
            return frame[position + 4]
        position += 2 + length
    return 0
