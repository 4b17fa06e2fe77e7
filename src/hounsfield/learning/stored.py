"""How prepared images are kept on disk, and what cannot be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hounsfield.arrays import VoxelArray
from hounsfield.datasets.case import Case, Dataset
from hounsfield.errors import ImageError, StorageError, TrainingError

STORED_TYPE = np.dtype(np.float16)
"""Half the memory of float32; its steps near 1 are 0.001, finer than the grey levels of an 8-bit film."""

_LARGEST = float(np.finfo(STORED_TYPE).max)


def require_half(failed: Mapping[str, str], cases: Sequence[Case], dataset: Dataset) -> None:
    """Accept cases of which half or more could be read.

    Raises:
        TrainingError: More failed; the message shows the first reasons.
    """
    if len(failed) > len(cases) / 2:
        some = "; ".join(f"{case}: {reason}" for case, reason in list(failed.items())[:3])
        raise TrainingError(f"{len(failed)} of {len(cases)} cases of {dataset.root} cannot be read ({some})")


def require_in_range(voxels: VoxelArray, path: Path) -> None:
    """Accept prepared values that half precision holds.

    Raises:
        ImageError: One is larger, or not a number.
    """
    largest = float(np.abs(voxels).max())
    if not largest <= _LARGEST:
        raise ImageError(
            f"{path}: preprocessing gave values up to {largest:g}; networks learn from values near 0 … 1, end "
            'input.steps with "rescale" or "zscore"'
        )


def no_memory(path: Path) -> StorageError:
    """What to do where a case is too large to be prepared."""
    return StorageError(
        f"{path}: there is not enough memory to prepare it; end other programs and give the command again"
    )
