"""Findings against lesions on many images: which were hit, how surely, and what FROC is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import ImageResult
from hounsfield.evaluation.froc import Responses
from hounsfield.evaluation.image_results import patients_of
from hounsfield.evaluation.matching import FALSE_ALARM, MISSED, HitRule, Matched, match

ALL = "all lesions"


@dataclass(frozen=True, eq=False)
class Lesions:
    """All lesions of all images, one after another."""

    image: IntArray
    """(lesions,), number of the image."""
    kind: IntArray
    """(lesions,)."""
    side: FloatArray
    """(lesions,), the square root of the box's area, or the cube root of its volume, in the `unit_of_sizes`."""
    score: FloatArray
    """(lesions,), of the finding that hit each; -inf where none did."""
    called: IntArray
    """(lesions,), the likeliest kind of that finding; -1 where none did."""


def responses_of(results: Sequence[ImageResult], *, kinds: Sequence[str], rule: HitRule) -> Responses:
    """What FROC is computed from, of all lesions.

    Raises:
        EvaluationError: As `patients_of` and `require_lesions`.
    """
    return responses_by_kind(results, kinds=kinds, rule=rule)[ALL]


def responses_by_kind(results: Sequence[ImageResult], *, kinds: Sequence[str], rule: HitRule) -> dict[str, Responses]:
    """The same of all lesions, and where there are several kinds of those of each, whatever they were called.

    Raises:
        EvaluationError: As `patients_of` and `require_lesions`.
    """
    patient = patients_of(results)
    require_lesions(results, kinds)
    matched = matched_on(results, rule)
    lesions = lesions_on(results, matched, kinds)
    responses = responses_to(results, matched, lesions, patient)
    return {name: responses.of(chosen) for name, chosen in by_kind(lesions, kinds).items()}


def by_kind(lesions: Lesions, kinds: Sequence[str]) -> dict[str, BoolArray]:
    """Which lesions are of all, and where there are several kinds, of each that occurs."""
    every = np.ones(len(lesions.kind), dtype=bool)
    if len(kinds) == 1:
        return {ALL: every}
    of_kinds = {name: lesions.kind == number for number, name in enumerate(kinds)}
    return {ALL: every, **{name: chosen for name, chosen in of_kinds.items() if chosen.any()}}


def require_lesions(results: Sequence[ImageResult], kinds: Sequence[str]) -> None:
    """Accept results of images with lesions of these kinds.

    Raises:
        EvaluationError: There is no lesion, one is of no such kind, or a finding has other kinds.
    """
    labels = {box.label for one in results for box in one.truths}
    if not labels:
        raise EvaluationError(
            f"none of the {len(results)} images has a box of a lesion: there is nothing to find on them; name the "
            "boxes in the data's description ([box])"
        )
    if unknown := sorted(labels - set(kinds)):
        raise EvaluationError(
            f"boxes are labelled {', '.join(map(repr, unknown))}, and the model knows {', '.join(kinds)}; name them "
            "in the data's description as the model does"
        )
    for one in results:
        if odd := [found for found in one.found if len(found.probabilities) != len(kinds)]:
            raise EvaluationError(
                f"a finding on {one.case!r} has {len(odd[0].probabilities)} probabilities for {len(kinds)} kinds"
            )


def matched_on(results: Sequence[ImageResult], rule: HitRule) -> list[Matched]:
    """What became of the findings and the lesions of each image."""
    return [match([found.box for found in one.found], scores_on(one), one.truths, rule) for one in results]


def scores_on(result: ImageResult) -> FloatArray:
    """(findings,), how sure each is."""
    return np.array([found.score for found in result.found], dtype=np.float64)


def unit_of_sizes(results: Sequence[ImageResult]) -> str:
    """Of lesions: "mm" where all images that have any know how large their pixels are, else "pixels"."""
    return "mm" if all(one.spacing_mm for one in results if one.truths) else "pixels"


def lesions_on(results: Sequence[ImageResult], matched: Sequence[Matched], kinds: Sequence[str]) -> Lesions:
    """All lesions of all images, with what became of them."""
    image, kind, side, score, called = [], [], [], [], []
    in_mm = unit_of_sizes(results) == "mm"
    for number, (one, pairs) in enumerate(zip(results, matched, strict=True)):
        deep, high, wide = one.spacing_mm if in_mm and one.truths else (1.0, 1.0, 1.0)
        for box, by in zip(one.truths, pairs.by.tolist(), strict=True):
            area = box.width * wide * box.height * high
            image.append(number)
            kind.append(kinds.index(box.label))
            side.append(area**0.5 if box.depth == 1 else (area * box.depth * deep) ** (1 / 3))
            score.append(float("-inf") if by == MISSED else one.found[by].score)
            called.append(-1 if by == MISSED else int(np.argmax(one.found[by].probabilities)))
    whole, real = partial(np.array, dtype=np.int64), partial(np.array, dtype=np.float64)
    return Lesions(whole(image), whole(kind), real(side), real(score), whole(called))


def responses_to(
    results: Sequence[ImageResult], matched: Sequence[Matched], lesions: Lesions, patient: IntArray
) -> Responses:
    """What was said of the lesions of images, of whose patients these are the numbers (images,)."""
    alarms = [scores_on(one)[pairs.taken == FALSE_ALARM] for one, pairs in zip(results, matched, strict=True)]
    return Responses(
        lesion_scores=lesions.score,
        lesion_patients=patient[lesions.image],
        alarm_scores=np.concatenate(alarms),
        alarm_patients=np.repeat(patient, [len(own) for own in alarms]),
        image_patients=patient,
    )
