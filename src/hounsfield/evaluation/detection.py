"""How well lesions are found: FROC, average precision and what they are called, with intervals over patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.average_precision import Ranked, average_precision, precision_curve
from hounsfield.evaluation.evidence import Curve, DetectionEvidence, Evidence, ImageResult, Score, Subgroup
from hounsfield.evaluation.froc import Responses, froc, sensitivity_at
from hounsfield.evaluation.hits import (
    ALL,
    Lesions,
    by_kind,
    lesions_on,
    matched_on,
    require_lesions,
    responses_to,
    scores_on,
    unit_of_sizes,
)
from hounsfield.evaluation.image_results import patients_of
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.matching import AGAIN, FALSE_ALARM, HitRule, Matched, rule_from
from hounsfield.evaluation.resampling import patient_weights
from hounsfield.evaluation.subgroups import FEWEST_PATIENTS, NOT_STATED, tables_of, too_small

OVERLAPS = (0.2, 0.5, 0.75)
"""Intersections over union at which average precision is measured."""

OF_KINDS = 0.5
"""The same, of each kind by itself."""

_NONE_SEEN = 3.69
"""Events that may be expected at most where none was seen: the upper end of the 95 % interval of a Poisson count."""

SIZES = ("smallest third", "middle third", "largest third")


def measure_detection(
    results: Sequence[ImageResult],
    *,
    kinds: Sequence[str],
    rule: HitRule,
    threshold: float,
    threshold_from: str,
    attributes: Mapping[str, Mapping[str, str]],
    resamples: int,
    seed: int = 0,
) -> DetectionEvidence:
    """The evidence of a detection.

    Args:
        results: One an image; images without a lesion count for false alarms alone.
        kinds: Of lesions: the labels of their boxes.
        rule: When a finding hits a lesion.
        threshold: From which score on a finding is shown, chosen on validation data.
        threshold_from: On which cases and by which rule it was chosen.
        attributes: Case id to attribute to value, for subgroups; lesions have attributes of their own.
        resamples: Bootstrap draws of patients behind the intervals.
        seed: Of the draws.

    Raises:
        EvaluationError: There is no image or no lesion, an image comes twice, or a lesion's kind is not known.
    """
    patient = patients_of(results)
    require_lesions(results, kinds)
    matched = matched_on(results, rule)
    lesions = lesions_on(results, matched, kinds)
    responses = responses_to(results, matched, lesions, patient)
    scores, curves = _froc_of(responses, lesions, kinds, resamples=resamples, seed=seed)
    for overlap in OVERLAPS:
        at_overlap = HitRule(overlap)
        ranked = _ranked(results, patient, matched if at_overlap == rule else matched_on(results, at_overlap))
        if (
            found := average_precision(ranked, patients=responses.patients, resamples=resamples, seed=seed)
        ) is not None:
            scores[f"average_precision_{round(100 * overlap)}"] = found
    scores |= _precision_by_kind(results, kinds, patient, patients=responses.patients, resamples=resamples, seed=seed)
    curves["precision_recall"] = precision_curve(_ranked(results, patient, matched))
    scores |= _at_threshold(responses, lesions, threshold, resamples=resamples, seed=seed)
    subgroups, notes = _subgroups(
        results, matched, patient, responses, lesions, kinds, threshold, attributes, draws=(resamples, seed)
    )
    return DetectionEvidence(
        rule=str(rule),
        kinds=tuple(kinds),
        lesions=tuple(np.bincount(lesions.kind, minlength=len(kinds)).tolist()),
        threshold=threshold,
        threshold_from=threshold_from,
        scores=scores,
        curves=curves,
        subgroups=subgroups,
        confusion=_confusion(lesions, len(kinds), threshold),
        results=tuple(results),
        notes=tuple(notes),
    )


def measure_false_alarms(
    results: Sequence[ImageResult],
    *,
    kinds: Sequence[str],
    rule: HitRule,
    threshold: float,
    threshold_from: str,
    resamples: int,
    seed: int = 0,
) -> DetectionEvidence:
    """The evidence of a detection on images without any lesion: false alarms alone, for nothing can be found.

    The arguments are those of `measure_detection`.

    Raises:
        EvaluationError: There is no image, or one comes twice.
    """
    patient = patients_of(results)
    matched = matched_on(results, rule)
    lesions = lesions_on(results, matched, kinds)
    responses = responses_to(results, matched, lesions, patient)
    return DetectionEvidence(
        rule=str(rule),
        kinds=tuple(kinds),
        lesions=(0,) * len(kinds),
        threshold=threshold,
        threshold_from=threshold_from,
        scores=_at_threshold(responses, lesions, threshold, resamples=resamples, seed=seed),
        curves={},
        subgroups=(),
        confusion=_confusion(lesions, len(kinds), threshold),
        results=tuple(results),
        notes=("No image has a lesion: false alarms alone are counted.",),
    )


def with_detection(
    evidence: Evidence,
    results: Sequence[ImageResult],
    *,
    kinds: Sequence[str],
    rule: str,
    threshold: float,
    threshold_from: str,
    attributes: Mapping[str, Mapping[str, str]],
    seed: int,
) -> Evidence:
    """The evidence of images as a whole, and of what was found on them: false alarms alone where no image has a lesion;
    as it is where nothing was looked for."""
    if not results:
        return evidence
    measured = partial(measure_detection, attributes=attributes)
    found = (measured if any(one.truths for one in results) else measure_false_alarms)(
        results,
        kinds=kinds,
        rule=rule_from(rule),
        threshold=threshold,
        threshold_from=threshold_from,
        resamples=evidence.resamples,
        seed=seed,
    )
    return replace(evidence, detection=found)


def _ranked(results: Sequence[ImageResult], patient: IntArray, matched: Sequence[Matched]) -> Ranked:
    """All findings, of whatever kind, by falling score."""
    scores, right, whose, lesions = [], [], [], []
    for number, (one, pairs) in enumerate(zip(results, matched, strict=True)):
        own = scores_on(one)
        scores.append(own)
        right.append((pairs.taken != FALSE_ALARM) & (pairs.taken != AGAIN))
        whose.append(np.full(len(own), patient[number]))
        lesions.append(np.full(len(one.truths), patient[number]))
    together = np.concatenate(scores)
    order = np.argsort(-together, kind="stable")
    return Ranked(together[order], np.concatenate(right)[order], np.concatenate(whose)[order], np.concatenate(lesions))


def _precision_by_kind(
    results: Sequence[ImageResult], kinds: Sequence[str], patient: IntArray, *, patients: int, resamples: int, seed: int
) -> dict[str, Score]:
    """Where there are several kinds, the average precision of each as a class of its own, as COCO has it: findings are
    ranked by how sure they are of that kind, and lesions of others are none."""
    scores = {}
    for place, kind in enumerate(kinds if len(kinds) > 1 else ()):
        own = [
            replace(
                one,
                truths=tuple(box for box in one.truths if box.label == kind),
                found=tuple(replace(found, probabilities=(found.probabilities[place],)) for found in one.found),
            )
            for one in results
        ]
        ranked = _ranked(own, patient, matched_on(own, HitRule(OF_KINDS)))
        found = average_precision(ranked, patients=patients, resamples=resamples, seed=seed)
        if found is not None:
            scores[f"average_precision_{kind}_{round(100 * OF_KINDS)}"] = found
    return scores


def _froc_of(
    responses: Responses, lesions: Lesions, kinds: Sequence[str], *, resamples: int, seed: int
) -> tuple[dict[str, Score], dict[str, Curve]]:
    scores: dict[str, Score] = {}
    curves: dict[str, Curve] = {}
    for name, chosen in by_kind(lesions, kinds).items():
        ending = "" if name == ALL else f"_{name}"
        found = froc(responses.of(chosen), resamples=resamples, seed=seed)
        curves[f"froc{ending}"] = found.curve
        scores |= {
            f"sensitivity{ending}_at_{rate:g}": s for rate, s in zip(found.rates, found.sensitivities, strict=True)
        }
        scores[f"mean_sensitivity{ending}"] = found.mean
    return scores, curves


def _at_threshold(
    responses: Responses, lesions: Lesions, threshold: float, *, resamples: int, seed: int
) -> dict[str, Score]:
    """Sensitivity, false alarms an image and, of the lesions found, the share of the right kind."""
    hit = np.isfinite(responses.lesion_scores) & (responses.lesion_scores >= threshold)
    right = hit & (lesions.called == lesions.kind)
    count = responses.patients
    sums = np.stack(
        [
            np.bincount(responses.lesion_patients, weights=values, minlength=count)
            for values in (np.ones(len(hit)), hit.astype(float), right.astype(float))
        ]
        + [
            np.bincount(responses.alarm_patients, weights=(responses.alarm_scores >= threshold) * 1.0, minlength=count),
            np.bincount(responses.image_patients, minlength=count).astype(float),
        ],
        axis=1,
    )
    drawn = np.concatenate([weights @ sums for weights in patient_weights(count, resamples=resamples, seed=seed)])
    behind = len(np.unique(responses.lesion_patients))
    whole = sums.sum(axis=0)

    def share(part: int, of: int, patients: int, *, bounded: bool = True) -> Score | None:
        if not whole[of]:
            return None
        shares = np.divide(drawn[:, part], drawn[:, of], out=np.full(len(drawn), np.nan), where=drawn[:, of] > 0)
        score, basis = percentile_score(float(whole[part] / whole[of]), shares, patients=patients, bounded=bounded)
        if bounded:
            return score
        if basis == "unknown":  # a number of false alarms is not below 1
            return None
        return score if score.value else Score(0.0, 0.0, _NONE_SEEN / patients)

    found = {
        "sensitivity": share(1, 0, behind),
        "false_alarms": share(3, 4, count, bounded=False),
        "right_kind": share(2, 1, len(np.unique(responses.lesion_patients[hit]))),
    }
    return {name: score for name, score in found.items() if score is not None}


def _confusion(lesions: Lesions, kinds: int, threshold: float) -> tuple[tuple[int, ...], ...]:
    table = np.zeros((kinds, kinds + 1), dtype=np.int64)
    called = np.where(np.isfinite(lesions.score) & (lesions.score >= threshold), lesions.called, kinds)
    np.add.at(table, (lesions.kind, called), 1)
    return tuple(tuple(row) for row in table.tolist())


def _subgroups(
    results: Sequence[ImageResult],
    matched: Sequence[Matched],
    patient: IntArray,
    responses: Responses,
    lesions: Lesions,
    kinds: Sequence[str],
    threshold: float,
    attributes: Mapping[str, Mapping[str, str]],
    *,
    draws: tuple[int, int],
) -> tuple[tuple[Subgroup, ...], list[str]]:
    """Lesions by kind, by size, and by every attribute of theirs or of their image, the smallest group first.

    Where an attribute is of images, such as their site, only the false alarms on images of the group count.
    """
    columns = list(_columns(results, lesions, kinds, attributes))
    of_images = {name for name, _, own in columns if own}

    def subgroup(name: str, value: str, chosen: BoolArray) -> Subgroup:
        if name in of_images:  # the false alarms of these images alone
            return _subgroup(_within(results, matched, lesions, chosen, patient), name, value, threshold, draws)
        return _subgroup(responses.of(chosen), name, value, threshold, draws)

    tables, notes = tables_of(((name, values) for name, values, _ in columns), subgroup)
    return tuple(group for table in tables for group in table), notes


def _columns(
    results: Sequence[ImageResult],
    lesions: Lesions,
    kinds: Sequence[str],
    attributes: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[str, list[str], bool]]:
    """By what groups are made: a name, the value of each lesion, or of each image, and which of the two it is."""
    taken = {"kind", "size"}
    if len(kinds) > 1:
        yield "kind", [kinds[number] for number in lesions.kind.tolist()], False
    if len(lesions.side) >= len(SIZES) * FEWEST_PATIENTS:
        yield "size", _thirds(lesions.side, unit_of_sizes(results)), False
    boxes = [dict(box.attributes) for one in results for box in one.truths]
    for name in sorted({name for own in boxes for name in own} - taken):
        taken.add(name)
        yield name, [own.get(name, "").strip() or NOT_STATED for own in boxes], False
    of_images = [attributes.get(one.case, {}) for one in results]
    for name in sorted({name for own in of_images for name in own} - taken):
        yield name, [own.get(name, "").strip() or NOT_STATED for own in of_images], True


def _thirds(sides: FloatArray, unit: str) -> list[str]:
    """Of each lesion, in which third it is by its size (lesions,), and from where to where that goes."""
    limits = np.quantile(sides, [1 / 3, 2 / 3])
    low, high = (f"{limit:.0f}" if limit >= 10 else f"{limit:.1f}" for limit in limits.tolist())
    names = [
        f"{name}, {reach} {unit}"
        for name, reach in zip(SIZES, (f"up to {low}", f"{low} to {high}", f"over {high}"), strict=True)
    ]
    return [names[place] for place in np.searchsorted(limits, sides).tolist()]


def _within(
    results: Sequence[ImageResult],
    matched: Sequence[Matched],
    lesions: Lesions,
    chosen: BoolArray,
    patient: IntArray,
) -> Responses:
    """What was said of some images, (images,), and of the lesions on them; patients are numbered anew."""
    places = np.flatnonzero(chosen).tolist()
    whose = np.unique(patient[places], return_inverse=True)[1]
    own = np.isin(lesions.image, places)
    part = replace(
        lesions,
        image=np.searchsorted(places, lesions.image[own]),
        kind=lesions.kind[own],
        side=lesions.side[own],
        score=lesions.score[own],
        called=lesions.called[own],
    )
    return responses_to([results[place] for place in places], [matched[place] for place in places], part, whose)


def _subgroup(own: Responses, attribute: str, value: str, threshold: float, draws: tuple[int, int]) -> Subgroup:
    patients = len(np.unique(own.lesion_patients))
    scores: dict[str, Score] = {}
    note = too_small(patients)
    if not note:
        resamples, seed = draws
        (at_one,) = froc(own, resamples=resamples, seed=seed, rates=(1.0,)).sensitivities
        scores = {"sensitivity_at_1": at_one}
    found = np.nan_to_num(sensitivity_at(own, threshold)) * len(own.lesion_scores)
    return Subgroup(attribute, value, len(own.lesion_scores), patients, round(found), scores, note)
