"""Who drew an outline: a file that a model outlined says so, and whoever measures on it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

AUTOMATIC = "AUTOMATIC"
"""Of SegmentAlgorithmType (PS3.3 C.8.20.4) and ROIGenerationAlgorithm (C.8.8.5): drawn without a person."""

BY_PROGRAM = "outlined by a program, as the file it was made from says"
"""What a NIfTI file says that was made from such a DICOM file."""

_BY_MODEL = "outlined by the model "
_LONGEST = 79
"""Bytes of a NIfTI file's description."""


def by_model(name: str, sha256: str) -> str:
    """A NIfTI file's description that says which model outlined it; a name that is too long loses its end."""
    end = f", {sha256[:12]}"
    plain = name.encode("ascii", errors="replace").decode("ascii")
    return f"{_BY_MODEL}{plain[: _LONGEST - len(_BY_MODEL) - len(end)]}{end}"


def says_so(description: str) -> bool:
    """Whether a NIfTI file's description says that a model or a program outlined it."""
    return description.startswith((_BY_MODEL, BY_PROGRAM))


def unconfirmed(path: Path, what: str, names: Sequence[str] = ()) -> str:
    """The note on outlines in a file that no person is known to have looked at.

    Args:
        path: The file.
        what: What it says, for instance "outlined by the model liver, 0123456789ab".
        names: Of the structures; none where all in the file are.
    """
    of = f" ({', '.join(names)})" if names else ""
    return f"{path.name}{of}: {what}; its errors are not in the uncertainty, so look at it before its distances"
