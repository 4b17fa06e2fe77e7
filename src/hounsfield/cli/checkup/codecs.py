"""`Codec`: each DICOM transfer syntax, tried on a small image made here, written as a file and read back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hounsfield.arrays import IntArray

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SIDE = 32
"""Rows and columns of the image that is tried."""


@dataclass(frozen=True)
class Codec:
    """A transfer syntax, and whether an image stored in it can be read on this machine."""

    uid: str
    name: str
    """As in PS3.6, table A-1."""
    fault: str
    """Why it cannot be read; empty when it can."""


@dataclass(frozen=True)
class Trial:
    """How an image is stored in a transfer syntax, and how near it must come back."""

    keyword: str
    """pydicom's name of the UID."""
    bits: int
    tolerance: int = 0
    """Largest difference of a voxel; 0 where the syntax is lossless."""
    encode: Callable[[IntArray], bytes | bytearray | memoryview] | None = None
    """One compressed frame; None where pydicom stores the image itself."""


def trials() -> tuple[Trial, ...]:
    """Every transfer syntax for images that DICOM has today or had, but for video (PS3.5 section 10)."""
    import imagecodecs as codecs

    def j2k(image: IntArray) -> bytes | bytearray | memoryview:
        return codecs.jpeg2k_encode(image, codecformat="J2K", reversible=True, level=0)

    return (
        Trial("ImplicitVRLittleEndian", 16),
        Trial("ExplicitVRLittleEndian", 16),
        Trial("DeflatedExplicitVRLittleEndian", 16),
        Trial("ExplicitVRBigEndian", 16),
        Trial("RLELossless", 16),
        Trial("JPEGBaseline8Bit", 8, 3, lambda image: codecs.jpeg8_encode(image, level=95)),
        Trial("JPEGExtended12Bit", 12, 48, lambda image: codecs.jpeg8_encode(image, level=95, bitspersample=12)),
        Trial("JPEGLossless", 16, 0, lambda image: codecs.ljpeg_encode(image, bitspersample=16)),
        Trial("JPEGLosslessSV1", 16, 0, lambda image: codecs.ljpeg_encode(image, bitspersample=16)),
        Trial("JPEGLSLossless", 16, 0, lambda image: codecs.jpegls_encode(image)),
        Trial("JPEGLSNearLossless", 16, 2, lambda image: codecs.jpegls_encode(image, level=2)),
        Trial("JPEG2000Lossless", 16, 0, j2k),
        Trial("JPEG2000", 16, 0, j2k),
        Trial("HTJ2KLossless", 16, 0, lambda image: codecs.htj2k_encode(image)),
        Trial("HTJ2KLosslessRPCL", 16, 0, lambda image: codecs.htj2k_encode(image)),
        Trial("HTJ2K", 16, 0, lambda image: codecs.htj2k_encode(image)),
    )


def check_codecs() -> tuple[Codec, ...]:
    """Each transfer syntax with what came of reading an image stored in it."""
    from pydicom import uid

    checked = []
    with tempfile.TemporaryDirectory() as folder:
        for trial in trials():
            syntax: uid.UID = getattr(uid, trial.keyword)
            checked.append(Codec(str(syntax), syntax.name, _fault(trial, Path(folder) / f"{trial.keyword}.dcm")))
    return tuple(checked)


def ramp(bits: int) -> IntArray:
    """(rows, columns) a smooth image that uses the whole range of `bits`, uint8 or uint16."""
    values = np.linspace(0, 2**bits - 1, SIDE * SIDE).reshape(SIDE, SIDE)
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def _fault(trial: Trial, path: Path) -> str:
    """Why the image does not come back; every exception counts, for each decoder has its own."""
    from hounsfield import formats

    image = ramp(trial.bits)
    try:
        _dataset(trial, image).save_as(path, enforce_file_format=True)
        voxels = formats.read(path).voxels[0, 0].astype(np.int64)
    except Exception as error:
        return " ".join(str(error).split())
    worst = int(np.abs(voxels - image).max())
    return "" if worst <= trial.tolerance else f"voxels come back wrong by up to {worst}"


def _dataset(trial: Trial, image: IntArray) -> Dataset:
    """A secondary capture (PS3.3 A.8) of `image`."""
    from pydicom import uid
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    syntax: uid.UID = getattr(uid, trial.keyword)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = uid.SecondaryCaptureImageStorage
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = (uid.generate_uid() for _ in range(3))
    ds.Modality = "OT"
    ds.Rows, ds.Columns = image.shape
    ds.SamplesPerPixel, ds.PixelRepresentation, ds.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = image.itemsize * 8, trial.bits, trial.bits - 1
    if trial.encode is not None:
        ds.PixelData = encapsulate([bytes(trial.encode(image))])
        ds["PixelData"].VR = "OB"
        return ds
    ds.PixelData = image.astype(">u2" if syntax == uid.ExplicitVRBigEndian else "<u2").tobytes()
    ds["PixelData"].VR = "OW"
    if syntax == uid.RLELossless:
        ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        ds.compress(uid.RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    return ds
