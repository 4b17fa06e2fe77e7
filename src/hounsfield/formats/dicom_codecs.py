"""Compressed grey frames decoded by imagecodecs, which lets go of Python's lock, so that threads decode in parallel.

Only where the result is the same, bit for bit, as pydicom's with GDCM or pylibjpeg (a test holds both together on all
of pydicom's files); colour is left to pydicom, which knows the colour spaces. 12-bit JPEG (Extended) and
High-Throughput JPEG 2000 are read here alone: no permissively licensed plugin of pydicom has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.formats.stored_bits import correct_unused_bits

_JPEG_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203")


@dataclass(frozen=True)
class Codec:
    """How a compressed grey frame is decoded."""

    decode: Callable[[bytes], VoxelArray]
    own_precision: bool
    """Whether the compressed stream, rather than BitsStored, says how many bits count: JPEG 2000 and JPEG-LS."""


@dataclass(frozen=True)
class FrameFormat:
    """What the header says of each frame."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a stored pixel, in the machine's byte order."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")


def codec_for(transfer_syntax: str) -> Codec | None:
    """The decoder of one grey frame; None where pydicom decodes."""
    import imagecodecs

    if transfer_syntax in _JPEG_2000:
        return Codec(imagecodecs.jpeg2k_decode, own_precision=True)
    if transfer_syntax in _HTJ2K:
        return Codec(imagecodecs.htj2k_decode, own_precision=True)
    if transfer_syntax in _JPEG_LS:
        return Codec(imagecodecs.jpegls_decode, own_precision=True)
    if transfer_syntax in _JPEG_LOSSY:
        return Codec(imagecodecs.jpeg8_decode, own_precision=False)
    if transfer_syntax in _JPEG_LOSSLESS:
        return Codec(imagecodecs.jpegsof3_decode, own_precision=False)
    return None


def decode_grey(codec: Codec, frame: bytes, wanted: FrameFormat) -> VoxelArray:
    """One grey frame, (rows, columns), in the stored type.

    Args:
        codec: From `codec_for`.
        frame: The compressed bytes.
        wanted: As the header says.

    Raises:
        ValueError: The frame is damaged, or not of the declared size.
    """
    try:
        decoded = codec.decode(frame)
    except Exception as error:  # every codec of imagecodecs has an error class of its own
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if decoded.shape != (wanted.rows, wanted.columns):
        raise ValueError(f"the compressed frame is {decoded.shape}, the header says {(wanted.rows, wanted.columns)}")
    target = wanted.dtype
    if not codec.own_precision:
        pixels = decoded.astype(target)
        correct_unused_bits(pixels, wanted.bits_stored)
        return pixels
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
