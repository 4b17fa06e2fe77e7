"""What channels are called: in the names of files, as nnU-Net numbers them, and in dataset.json.

Reference:
    Antonelli et al., "The Medical Segmentation Decathlon" (2022), doi:10.1038/s41467-022-30695-9 (dataset.json);
    Isensee et al., "nnU-Net" (2021), doi:10.1038/s41592-020-01008-z (case_0000, case_0001 …).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_NUMBERED = re.compile(r"(.+)_(\d{4})")

_MODALITIES = {
    "CT": re.compile(r"CT$"),
    "MR": re.compile(r"MR|T1|T2|FLAIR|ADC|DWI"),
    "PT": re.compile(r"PET|PT$|SUV|FDG"),
}
"""DICOM codes, and how the names begin that channels of them go by."""


def stem(path: Path) -> str:
    """A file's name without its ending."""
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def numbered(name: str) -> tuple[str, int] | None:
    """What stands before a channel's number at the end of a name, and the number; None of a name without."""
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def channels_in(path: Path) -> dict[str, str]:
    """The channels of each image, in order, and the DICOM code of what each is, "" where that is not known, as
    dataset.json says in either of the two ways that are in use; nothing without it. NIfTI files do not say it."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        said = facts.get("channel_names") or facts["modality"]
        names = [str(said[str(number)]).strip() for number in range(len(said))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    unlike = [name if names.count(name) == 1 else f"{name} {number}" for number, name in enumerate(names)]
    return dict(zip(unlike, map(_modality, names), strict=True))


def _modality(name: str) -> str:
    """DICOM code of what a channel of this name is; "" where that is not known."""
    return next((code for code, begins in _MODALITIES.items() if begins.match(name.upper())), "")
