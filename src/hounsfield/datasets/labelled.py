"""Grey levels of what is labelled: an outline is learned only where the levels of what it holds are told apart."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.load import load
from hounsfield.datasets.parallel import in_threads
from hounsfield.datasets.segmentation import mask_of

_SAMPLED = 30
"""Cases, spread over all."""

_VOXELS = 20_000
"""Of each."""

PERCENTS = (0.5, 99.5)


def labelled_levels(dataset: Dataset, cases: Sequence[Case], *, channel: int = 0) -> tuple[float, float] | None:
    """Between which levels nearly all voxels with a label lie, as `PERCENTS` says; None where nothing is labelled.

    Cases that cannot be read count for nothing.

    Args:
        dataset: With labels.
        cases: Of it, whose masks are looked at.
        channel: Whose levels are meant, by its place.
    """
    masked = [case for case in cases if case.mask is not None]
    if not dataset.labels or not masked:
        return None
    known = sorted({number for numbers in dataset.labels.values() for number in numbers})
    look = functools.partial(_levels, known=known, unlabelled=dataset.unlabelled, channel=channel)
    found = in_threads(look, spread_over(masked), "looking at levels of labels")
    values = np.concatenate([np.zeros(0), *(own for own in found if isinstance(own, np.ndarray))])
    if not values.size:
        return None
    low, high = np.percentile(values, PERCENTS)
    return float(low), float(high)


def spread_over(cases: Sequence[Case]) -> list[Case]:
    """Some of the cases, spread over all."""
    places = np.unique(np.linspace(0, len(cases) - 1, min(len(cases), _SAMPLED)).round().astype(np.int64))
    return [cases[place] for place in places.tolist()]


def _levels(case: Case, *, known: Sequence[int], unlabelled: int, channel: int) -> FloatArray:
    """Of some of the voxels with a label, which has one of the `known` numbers; any where there are none."""
    numbers = mask_of(case)
    image = load(case.image)
    labelled = np.isin(numbers, known) if known else (numbers > 0) & (numbers != unlabelled)
    own = image.voxels[channel][labelled]
    values: FloatArray = own[:: max(1, -(-own.size // _VOXELS))].astype(np.float64)
    return values[np.isfinite(values)]
