"""A digest of what an image's file holds, by which the same image is known under another name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from hounsfield.datasets.case import Case, ImageRef
from hounsfield.datasets.npz import read_row
from hounsfield.datasets.parallel import in_threads
from hounsfield.errors import DatasetError
from hounsfield.formats.folder import survey


def content_digest(ref: ImageRef) -> str:
    """32 hexadecimal digits of the file's bytes, of all files in a folder, or of an array's row; crops do not count.

    Raises:
        DatasetError: The file cannot be read, or the array has no such row.
    """
    digest = hashlib.blake2b(digest_size=16)
    if ref.array and ref.index is not None:
        digest.update(read_row(ref.path, ref.array, ref.index).tobytes())
    else:
        try:
            for file in files_of(ref):
                digest.update(file.read_bytes())
        except OSError as error:
            raise DatasetError(f"cannot read {ref.path}: {error.strerror or error}") from error
    return digest.hexdigest()


def case_digests(cases: Sequence[Case]) -> list[frozenset[str]]:
    """For each case the digests of those of its images, each channel by itself, that can be read."""
    parts = [[part.whole for ref in case.images.values() for part in ref.parts] for case in cases]
    refs = list(dict.fromkeys(ref for own in parts for ref in own))
    results = in_threads(content_digest, refs, "comparing images")
    known = {ref: result for ref, result in zip(refs, results, strict=True) if isinstance(result, str)}
    return [frozenset(known[ref] for ref in own if ref in known) for own in parts]


def files_of(ref: ImageRef) -> list[Path]:
    """The file of an image, or those of its folder in the order of their names; of one series where it names one."""
    if ref.files:
        return sorted(ref.files)
    if ref.series:
        return sorted(one.path for one in survey(ref.path).series.get(ref.series, ()))
    return sorted(file for file in ref.path.iterdir() if file.is_file()) if ref.path.is_dir() else [ref.path]
