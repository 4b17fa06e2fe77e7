"""`Example`: a case with its film and heat, for the gallery; and the choice of the cases that teach most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import CaseResult, Evidence
from hounsfield.findings import Box
from hounsfield.image import Image

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Example:
    """A case to show: what was predicted of it, its image and what drove the answer."""

    result: CaseResult
    image: Image
    """As it is stored, or the crop that was read."""
    heat: FloatArray | None = None
    """(height, width) or (depth, height, width) over the whole image, in [0, 1]."""
    boxes: tuple[Box, ...] = ()
    """The truth, where the data has boxes, in pixels of `image`."""


@dataclass(frozen=True)
class Chosen:
    """The cases worth a look, the most telling first."""

    mistakes: tuple[CaseResult, ...]
    hits: tuple[CaseResult, ...]


def called(result: CaseResult, threshold: float) -> int:
    """The class the model decides for: of two by the threshold, of more by the largest probability."""
    if len(result.probabilities) == 2:
        return int(result.probabilities[1] >= threshold)
    return max(range(len(result.probabilities)), key=lambda index: result.probabilities[index])


def choose_examples(evidence: Evidence, *, each: int = 3) -> Chosen:
    """The worst mistakes and the best hits, taken in turn from every class so that none crowds out the others.

    Worst and best go by the probability given to the true class: least among the mistakes, most among the hits.
    Images have to be loaded for these only.

    Args:
        evidence: With its results.
        each: At most so many mistakes, and so many hits.
    """
    wrong = [result for result in evidence.results if called(result, evidence.threshold) != result.target]
    right = [result for result in evidence.results if called(result, evidence.threshold) == result.target]
    worst = sorted(wrong, key=lambda result: result.probabilities[result.target])
    best = sorted(right, key=lambda result: -result.probabilities[result.target])
    return Chosen(mistakes=_in_turn(worst, each), hits=_in_turn(best, each))


def _in_turn(results: Sequence[CaseResult], most: int) -> tuple[CaseResult, ...]:
    """The first of each class, positive classes first, then the second of each, and so on."""
    rank: dict[int, int] = {}
    order: list[tuple[int, int, CaseResult]] = []
    for result in results:
        rank[result.target] = rank.get(result.target, -1) + 1
        order.append((rank[result.target], -result.target, result))
    order.sort(key=lambda entry: entry[:2])
    return tuple(result for _, _, result in order[:most])


def ends_and_middle(ranked: Sequence[Result], each: int) -> list[Result]:
    """The first, some in the middle, and the last: so many of each, every one once."""
    count, middle = len(ranked), max(0, len(ranked) // 2 - each // 2)
    places = {*range(each), *range(middle, middle + each), *range(count - each, count)}
    return [ranked[place] for place in sorted(places) if 0 <= place < count]
