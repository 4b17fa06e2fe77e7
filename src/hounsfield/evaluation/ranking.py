"""Weighted AUC and average precision of one ranking under many weightings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Ranking:
    """Cases sorted once by falling score; every bootstrap draw only changes their weights."""

    order: IntArray
    """(n,), case indices from the highest score down."""
    positive: IntArray
    """(p,), places in that order that positive cases hold."""
    begin: IntArray
    """(g,), first place of each group of equal scores that holds a positive case."""
    end: IntArray
    """(g,), last place of each of these groups."""
    last_positive: IntArray
    """(g,), number of positive cases up to and including each of these groups, minus 1."""


def ranking_of(target: BoolArray, score: FloatArray) -> Ranking:
    """The ranking of cases by score; `target` and `score` are (n,), n > 0."""
    order = np.argsort(-score, kind="stable")
    sorted_score = score[order]
    starts = np.flatnonzero(np.r_[True, sorted_score[1:] != sorted_score[:-1]])
    ends = np.r_[starts[1:], len(order)] - 1
    found = np.cumsum(target[order])
    holds = np.diff(np.r_[0, found[ends]]) > 0
    return Ranking(
        order=order,
        positive=np.flatnonzero(target[order]),
        begin=starts[holds],
        end=ends[holds],
        last_positive=found[ends[holds]] - 1,
    )


@dataclass(frozen=True, eq=False)
class CumulativeCounts:
    """Weighted counts of a ranking at each group of equal scores that holds a positive case, for every draw."""

    found: FloatArray
    """(draws, g), true positives when the group and all above it are called positive."""
    false_before: FloatArray
    """(draws, g), false positives above the group."""
    false_after: FloatArray
    """(draws, g), false positives with the group."""
    positives: FloatArray
    """(draws,), weight of all positive cases."""
    negatives: FloatArray
    """(draws,), weight of all others."""

    @property
    def both(self) -> BoolArray:
        """(draws,), whether both classes have weight."""
        return (self.positives > 0) & (self.negatives > 0)


def counts_of(ranking: Ranking, weights: FloatArray) -> CumulativeCounts:
    """The counts under `weights`, (draws, n), in the order of the cases."""
    ranked = np.take(weights, ranking.order, axis=1)
    called_by_case = np.cumsum(ranked, axis=1)
    found_by_case = np.cumsum(ranked[:, ranking.positive], axis=1)
    found = found_by_case[:, ranking.last_positive]
    above = called_by_case[:, ranking.begin] - ranked[:, ranking.begin]
    positives = found_by_case[:, -1] if len(ranking.positive) else np.zeros(len(ranked))
    return CumulativeCounts(
        found=found,
        false_before=above - np.pad(found, ((0, 0), (1, 0)))[:, : found.shape[1]],
        false_after=called_by_case[:, ranking.end] - found,
        positives=positives,
        negatives=called_by_case[:, -1] - positives,
    )


def ranking_scores(ranking: Ranking, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """AUC and average precision, two (draws,) arrays, under `weights`, (draws, n), in the order of the cases.

    Both as in `classification`; NaN for a draw in which only one class has weight.
    """
    counts = counts_of(ranking, weights)
    entering = np.diff(counts.found, axis=1, prepend=0.0)  # positives with exactly the group's score
    not_below = (counts.false_before + counts.false_after) / 2  # negatives above, and half of those level
    pairs = (entering * (counts.negatives[:, None] - not_below)).sum(axis=1)
    called = counts.found + counts.false_after
    precision = np.divide(counts.found, called, out=np.zeros_like(called), where=called > 0)
    nothing = np.full(len(weights), np.nan)
    auc = np.divide(pairs, counts.positives * counts.negatives, out=nothing.copy(), where=counts.both)
    average = np.divide((entering * precision).sum(axis=1), counts.positives, out=nothing, where=counts.both)
    return auc, average
