"""Which finding hits which lesion: boxes against boxes, the surest finding first.

A finding takes the lesion it hits that nobody has taken before and that it covers best. One that hits only lesions
which surer findings have taken is said again: neither a hit nor a false alarm for FROC, a false alarm for average
precision, as each is defined.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.findings.region import Box

MISSED = -1
"""Of a lesion: no finding hit it."""

AGAIN, FALSE_ALARM = -1, -2
"""Of a finding: it hits lesions that were taken, or none at all."""


@dataclass(frozen=True)
class HitRule:
    """When a finding hits a lesion."""

    iou: float = 0.2
    """At least this intersection over union; 0: the finding's centre lies inside the lesion's box."""

    def __post_init__(self) -> None:
        if not 0 <= self.iou <= 1:
            raise EvaluationError(f"a hit needs an intersection over union of 0 to 1, not {self.iou}")

    def __str__(self) -> str:
        return f"IoU ≥ {self.iou:g}" if self.iou else "centre inside"

    def overlaps(self, found: FloatArray, truths: FloatArray) -> FloatArray:
        """(findings, lesions): how well each hits each, above 0 for a hit; of boxes as `corners` gives them."""
        overlap = intersection_over_union(found, truths)
        if self.iou:
            return np.where(overlap >= self.iou, overlap, 0.0)
        centre = (found[:, None, :3] + found[:, None, 3:]) / 2
        inside = ((truths[None, :, :3] <= centre) & (centre < truths[None, :, 3:])).all(axis=2)
        return np.where(inside, np.maximum(overlap, np.finfo(np.float64).tiny), 0.0)


def rule_from(words: str) -> HitRule:
    """The rule that a user names, "iou>=0.2" or "centre", or that is written as a rule writes itself.

    Raises:
        EvaluationError: The words are no rule.
    """
    plain = words.replace(" ", "").replace("≥", ">=").lower()
    if plain.removesuffix("inside") in ("centre", "center"):
        return HitRule(0.0)
    try:
        rule = HitRule(float(plain.removeprefix("iou>=")))
    except (ValueError, EvaluationError):
        rule = HitRule(0.0)
    if not rule.iou:
        raise EvaluationError(f'{words!r} is no rule of what a hit is; write "iou>=0.2" (above 0, up to 1) or "centre"')
    return rule


@dataclass(frozen=True, eq=False)
class Matched:
    """What became of the findings and the lesions of one image."""

    taken: IntArray
    """(findings,): the lesion each took, `AGAIN` or `FALSE_ALARM`."""
    by: IntArray
    """(lesions,): the finding that took each, or `MISSED`."""


def corners(boxes: Sequence[Box]) -> FloatArray:
    """(n, 6): z0, y0, x0, z1, y1, x1 of each box."""
    plain = [(box.z0, box.y0, box.x0, box.z1, box.y1, box.x1) for box in boxes]
    return np.array(plain, dtype=np.float64).reshape(-1, 6)


def intersection_over_union(first: FloatArray, second: FloatArray) -> FloatArray:
    """(n, m), of boxes (n, 6) and (m, 6); 0 where neither has a size.

    Reference:
        Everingham et al., "The PASCAL visual object classes challenge" (2010), doi:10.1007/s11263-009-0275-4.
    """
    low = np.maximum(first[:, None, :3], second[None, :, :3])
    high = np.minimum(first[:, None, 3:], second[None, :, 3:])
    both: FloatArray = np.clip(high - low, 0, None).prod(axis=2)
    either = _sizes(first)[:, None] + _sizes(second)[None] - both
    shares: FloatArray = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return shares


def _sizes(boxes: FloatArray) -> FloatArray:
    sizes: FloatArray = np.clip(boxes[:, 3:] - boxes[:, :3], 0, None).prod(axis=1)
    return sizes


def match(found: Sequence[Box], scores: FloatArray, truths: Sequence[Box], rule: HitRule) -> Matched:
    """The findings of one image against its lesions; of equally sure findings the first comes first.

    Args:
        found: The findings' boxes.
        scores: (findings,), how sure each is.
        truths: The lesions' boxes.
        rule: What a hit is.
    """
    if len(scores) != len(found) or not all(map(math.isfinite, scores)):
        raise EvaluationError(f"{len(found)} findings need as many scores that are numbers, not {list(scores)}")
    overlaps = rule.overlaps(corners(found), corners(truths))
    taken = np.full(len(found), FALSE_ALARM, dtype=np.int64)
    by = np.full(len(truths), MISSED, dtype=np.int64)
    for finding in np.argsort(-scores, kind="stable").tolist():
        hits = overlaps[finding] > 0
        free: BoolArray = hits & (by == MISSED)
        if free.any():
            lesion = int(np.where(free, overlaps[finding], -1).argmax())
            taken[finding], by[lesion] = lesion, finding
        elif hits.any():
            taken[finding] = AGAIN
    return Matched(taken, by)
