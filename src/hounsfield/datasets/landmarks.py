"""Places on a mask, in words: how a landmark is made of the labels that somebody drew.

"centroid 1" is the middle of label 1; "lowest 1", "highest 1", "leftmost 1" and "rightmost 1" are the places of it that
lie furthest along the array's height and width, "first 1" and "last 1" along its depth; "end 1 from 2" is the place of
label 1 that lies furthest from the middle of label 2. Each of the last is the mean of the hundredth of the label that
lies furthest, so that a single voxel decides nothing. "1+2" is labels 1 and 2 as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import DatasetError
from hounsfield.findings.region import Point

_LABELS = r"\d+(?:\+\d+)*"
_RULE = re.compile(
    rf"(centroid|lowest|highest|leftmost|rightmost|first|last) ({_LABELS})|end ({_LABELS}) from ({_LABELS})"
)

_ALONG: Mapping[str, tuple[int, int]] = {
    "lowest": (1, 1),
    "highest": (1, -1),
    "rightmost": (2, 1),
    "leftmost": (2, -1),
    "last": (0, 1),
    "first": (0, -1),
}
"""Array axis, and whether the largest or the smallest index is meant."""

_SHARE = 0.01
"""Of a label's voxels, that lie furthest."""


@dataclass(frozen=True)
class PlaceRule:
    """How a place is found on a mask."""

    kind: str
    """"centroid", "lowest" … or "end"."""
    labels: tuple[int, ...]
    others: tuple[int, ...] = ()
    """Of "end", the labels whose middle it is furthest from."""


def place_rule(words: str) -> PlaceRule:
    """The rule that a description names.

    Raises:
        DatasetError: The words are none.
    """
    found = _RULE.fullmatch(words.strip())
    if found is None:
        raise DatasetError(
            f'{words!r} is no place on a mask; write for instance "centroid 1", "lowest 1" (highest, leftmost, '
            'rightmost, first, last), "centroid 1+2" or "end 1 from 2", with the labels of the mask'
        )
    if found[1]:
        return PlaceRule(found[1], _numbers(found[2]))
    return PlaceRule("end", _numbers(found[3]), _numbers(found[4]))


def _numbers(words: str) -> tuple[int, ...]:
    return tuple(int(word) for word in words.split("+"))


def place_on(labels: IntArray, rule: PlaceRule, spacing: FloatArray, *, name: str) -> Point | None:
    """The place on a mask, in pixels; None where none of its labels is there.

    Args:
        labels: (depth, height, width).
        rule: Which place.
        spacing: (3,), distances of neighbours along (d, h, w), by which "furthest" is measured.
        name: Of the landmark.
    """
    own, others = _of(labels, rule.labels), _of(labels, rule.others)
    if not own.any() or (rule.others and not others.any()):
        return None
    index: FloatArray = np.argwhere(own).astype(np.float64)
    if rule.kind == "end":
        middle = np.argwhere(others).mean(axis=0)
        index = _furthest(index, np.linalg.norm((index - middle) * spacing, axis=1))
    elif rule.kind in _ALONG:
        axis, sign = _ALONG[rule.kind]
        index = _furthest(index, sign * index[:, axis])
    z, y, x = (index.mean(axis=0) + 0.5).tolist()
    return Point(x, y, z, name)


def _of(labels: IntArray, wanted: tuple[int, ...]) -> BoolArray:
    return np.isin(labels, wanted)


def _furthest(index: FloatArray, how_far: FloatArray) -> FloatArray:
    """The voxels (n, 3) that lie as far as the last of the furthest hundredth, or further."""
    count = max(1, round(_SHARE * len(index)))
    least = np.partition(how_far, len(how_far) - count)[len(how_far) - count]
    chosen: FloatArray = index[how_far >= least - 1e-9]
    return chosen
