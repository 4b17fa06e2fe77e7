"""How well objects are told apart: those that were found matched with those that are there, by what they share.

An object is found where one that was outlined shares with it more than a share of what both take together (intersection
over union, IoU). From half on no object can be matched with two others, so that nothing has to be chosen.

Reference:
    Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl" (2019),
    doi:10.1038/s41592-019-0612-7 (average precision, F1); Kirillov et al., "Panoptic segmentation" (2019),
    doi:10.1109/CVPR.2019.00963; Kumar et al., "A dataset and a technique for generalized nuclear segmentation" (2017),
    doi:10.1109/TMI.2017.2677499 (aggregated Jaccard index).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from hounsfield.arrays import IntArray
from hounsfield.evaluation.evidence import MatchedInstances

PERCENTS = tuple(range(50, 100, 5))
"""The shares that objects must have more than in common."""


def match_instances(found: IntArray, truth: IntArray) -> MatchedInstances:
    """The objects of one image, matched.

    Args:
        found: Whole numbers of any shape, one for each object; 0 is none, and numbers may have gaps.
        truth: Of the same shape.
    """
    there = (found > 0) | (truth > 0)
    ours, theirs = _counted(found[there]), _counted(truth[there])
    count = int(ours.max(initial=0))
    sizes, found_sizes = (np.bincount(one, minlength=1)[1:] for one in (theirs, ours))
    pairs, shared = np.unique(theirs.astype(np.int64) * (count + 1) + ours, return_counts=True)
    row, column = pairs // (count + 1) - 1, pairs % (count + 1) - 1
    touching = (row >= 0) & (column >= 0)
    row, column, shared = row[touching], column[touching], shared[touching]
    either = sizes[row] + found_sizes[column] - shared
    matched = tuple(int(np.count_nonzero(100 * shared > percent * either)) for percent in PERCENTS)
    overlap = float((shared / either)[2 * shared > either].sum())
    aggregated = _aggregated(row, column, shared, sizes, found_sizes)
    return MatchedInstances(len(sizes), len(found_sizes), matched, overlap, aggregated)


def _counted(numbers: IntArray) -> IntArray:
    """(n,) the objects' places from 1 on, 0 where there is none."""
    known = np.unique(numbers[numbers > 0])
    counted: IntArray = np.where(numbers > 0, np.searchsorted(known, numbers) + 1, 0)
    return counted


def _aggregated(row: IntArray, column: IntArray, shared: IntArray, sizes: IntArray, found_sizes: IntArray) -> float:
    """Aggregated Jaccard index, of pairs of objects that touch: each that is there with the one of the highest IoU."""
    shares = shared / (sizes[row] + found_sizes[column] - shared)
    order = np.lexsort((-shares, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    both = shared[first].sum()
    unused = np.ones(len(found_sizes), dtype=bool)
    unused[column[first]] = False
    alone = np.ones(len(sizes), dtype=bool)
    alone[row[first]] = False
    either = (sizes[row[first]] + found_sizes[column[first]]).sum() - both
    whole = either + sizes[alone].sum() + found_sizes[unused].sum()
    return float(both / whole) if whole else 1.0


def _average_precision(one: MatchedInstances) -> float | None:
    every = one.instances + one.found
    return float(np.mean([own / (every - own) for own in one.matched])) if every else None


def _f1(percent: int, one: MatchedInstances) -> float | None:
    every = one.instances + one.found
    return 2 * one.matched[PERCENTS.index(percent)] / every if every else None


def _panoptic_quality(one: MatchedInstances) -> float | None:
    every = one.instances + one.found
    return 2 * one.overlap / every if every else None


def _count_bias(one: MatchedInstances) -> float | None:
    return (one.found - one.instances) / one.instances if one.instances else None


def _count_error(one: MatchedInstances) -> float | None:
    return abs(one.found - one.instances) / one.instances if one.instances else None


AVERAGE_PRECISION = "instance_average_precision"

INSTANCE_SCORES: Mapping[str, Callable[[MatchedInstances], float | None]] = {
    AVERAGE_PRECISION: _average_precision,
    "instance_f1_50": partial(_f1, 50),
    "instance_f1_70": partial(_f1, 70),
    "panoptic_quality": _panoptic_quality,
    "aggregated_jaccard": lambda one: one.aggregated,
    "count_error": _count_error,
    "count_bias": _count_bias,
}
"""Of the objects of one image, None where there are none. Average precision is the mean over `PERCENTS` of found /
(found + missed + false); panoptic quality is F1 at half, times the mean IoU of what was found; errors of the count are
shares of the objects that are there."""
