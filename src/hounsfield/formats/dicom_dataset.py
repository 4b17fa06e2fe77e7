"""A DICOM file as pydicom's data set, with its troubles as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import error
from typing import TYPE_CHECKING

from hounsfield.errors import FormatError
from hounsfield.formats.quiet import quiet_pydicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def open_dataset(path: Path, *, pixels: bool) -> Dataset:
    """pydicom's data set of the file, with or without the pixel data; files without a preamble are taken too.

    Raises:
        FormatError: Not DICOM, or damaged.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with quiet_pydicom():
            dataset = dcmread(path, stop_before_pixels=not pixels, force=True)
            _give_transfer_syntax(dataset)
    except InvalidDicomError as error:
        raise FormatError(f"{path}: not a DICOM file") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be opened ({error.strerror or error})") from error
    except Exception as error:  # pydicom raises what its parser trips over: struct.error, KeyError, EOFError …
        raise FormatError(f"{path}: its DICOM header is damaged ({_first_line(error)}); copy it again") from error
    return dataset


@contextmanager
def readable_header(path: Path) -> Iterator[None]:
    """Turn what pydicom's values raise when they are first looked at, or turn out not to be numbers, into a sentence.

    pydicom reads a value when it is asked for, so a damaged one shows late, and as almost any exception.

    Raises:
        FormatError: Instead of those.
    """
    from pydicom.errors import BytesLengthException

    damage = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError, error)
    try:
        with quiet_pydicom():
            yield
    except (*damage, BytesLengthException) as reason:
        raise FormatError(f"{path}: a tag of its header cannot be read ({reason}); the file is damaged") from reason


def _give_transfer_syntax(dataset: Dataset) -> None:
    """Fill in a missing transfer syntax from how the bytes were read (PS3.10 demands one; old files lack it)."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if dataset.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = dataset.original_encoding
    if little is False:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    else:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
