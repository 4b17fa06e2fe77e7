"""The scores of an evidence as rows of a table that is a picture at once, and the one figure that heads a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import Evidence, LocalizationEvidence, Score, SegmentationEvidence
from hounsfield.evaluation.instances import AVERAGE_PRECISION
from hounsfield.evaluation.localization import DISTANCES
from hounsfield.evaluation.segmentation import head_score
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.intervals import interval_track, ruler

FOUND_AT_ONE = "sensitivity_at_1"
"""Score of a detection that heads its page."""


HEAD_DISTANCE = DISTANCES[2]
"""Within which the main figure of a localization counts landmarks."""


@dataclass(frozen=True)
class ScoreRow:
    """One score, drawn and written."""

    label: str
    meaning: str
    track: Markup
    value: str
    interval: str


@dataclass(frozen=True)
class MainFigure:
    """The figure a reader should remember, as a large number and on a ruler."""

    value: str
    name: str
    detail: str
    ruler: Markup


def score_rows(
    scores: Mapping[str, Score], *, classes: Sequence[str], class_counts: Sequence[int]
) -> tuple[ScoreRow, ...]:
    """A row for every score, in the usual order; with a mark where a model without skill would stand."""
    rows = []
    for name in score_words.ordered(list(scores)):
        score = scores[name]
        label = score_words.label(name)
        rows.append(
            ScoreRow(
                label=label,
                meaning=score_words.meaning(name, classes),
                track=interval_track(label, score, reference=score_words.no_skill(name, class_counts)),
                value=wording.number(score.value),
                interval=wording.interval(score),
            )
        )
    return tuple(rows)


def main_score(scores: Mapping[str, Score]) -> str:
    """Name of the score that heads a page: the first in the usual order that is defined; empty without any."""
    names = [name for name in score_words.ordered(list(scores)) if math.isfinite(scores[name].value)]
    return names[0] if names else ""


def main_figure(evidence: Evidence) -> MainFigure | None:
    """The head figure of an evidence: of lesions that were looked for, else of cases; None when it has no score."""
    if evidence.localization is not None:
        return _located_figure(evidence.localization)
    if evidence.segmentation is not None:
        return _outlined_figure(evidence.segmentation)
    detection = evidence.detection
    found = detection.scores.get(FOUND_AT_ONE) if detection else None
    if detection is not None and found is not None:
        return MainFigure(
            value=wording.number(found.value, 2),
            name="Found",
            detail=f"lesions ({detection.rule}), with one false alarm an image; 95\u202f% interval "
            f"{wording.interval(found, 2)}",
            ruler=ruler(found, name="Lesions found with one false alarm an image", reference=None),
        )
    name = main_score(evidence.scores)
    if not name:
        return None
    score = evidence.scores[name]
    label = score_words.label(name)
    reference = score_words.no_skill(name, evidence.class_counts)
    detail = f"95\u202f% interval {wording.interval(score, 2)}"
    if reference is not None:
        detail += f"; without skill {wording.number(reference, 2)}"
    return MainFigure(
        value=wording.number(score.value, 2),
        name=label,
        detail=detail,
        ruler=ruler(score, name=label, reference=reference),
    )


def _located_figure(found: LocalizationEvidence) -> MainFigure:
    share = found.landmarks[0].scores[f"within_{HEAD_DISTANCE:g}"]
    name = f"Located within {HEAD_DISTANCE:g} {found.unit}"
    return MainFigure(
        value=wording.number(share.value, 2),
        name=name,
        detail=f"of the landmarks; 95\u202f% interval {wording.interval(share, 2)}",
        ruler=ruler(share, name=name, reference=None),
    )


def _outlined_figure(found: SegmentationEvidence) -> MainFigure:
    name = head_score(found.labels[0].scores)
    score = found.labels[0].scores[name]
    words, over = ("Dice", "labels and images") if name == "dice" else ("Average precision", "IoU .5 to .95 and images")
    return MainFigure(
        value=wording.number(score.value, 2),
        name=words,
        detail=f"mean over {over}; 95\u202f% interval {wording.interval(score, 2)}",
        ruler=ruler(score, name=words, reference=None),
    )


def verdict(evidence: Evidence) -> str:
    """The evidence in one or two sentences that need no statistics to be understood."""
    sentences = [
        _locating(evidence),
        _outlining(evidence),
        _finding(evidence),
        _ranking(evidence),
        _operating(evidence),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _locating(evidence: Evidence) -> str:
    found = evidence.localization
    if found is None:
        return ""
    median, p90 = (found.landmarks[0].scores[name] for name in ("median", "p90"))
    return (
        f"Half of the landmarks are located within {wording.number(median.value, 1)} {found.unit} of where they are "
        f"(95\u202f% interval {wording.interval(median, 1)}), nine in ten within {wording.number(p90.value, 1)} "
        f"{found.unit}."
    )


def _outlining(evidence: Evidence) -> str:
    found = evidence.segmentation
    if found is None:
        return ""
    scores = found.labels[0].scores
    if head_score(scores) != "dice":
        return _telling_apart(scores)
    dice, apart = scores["dice"], scores.get("surface_distance")
    words = (
        f"What is outlined and what is there overlap with a Dice of {wording.number(dice.value, 2)} "
        f"(95\u202f% interval {wording.interval(dice, 2)})"
    )
    if apart is None:
        return f"{words}."
    return f"{words}; their surfaces are {wording.number(apart.value, 1)} {found.unit} apart on average."


def _telling_apart(scores: Mapping[str, Score]) -> str:
    half, strict, precision = (scores[name] for name in ("instance_f1_50", "instance_f1_70", AVERAGE_PRECISION))
    return (
        f"Where an object counts as found that shares more than half with what was outlined, F1 is "
        f"{wording.number(half.value, 2)} (95\u202f% interval {wording.interval(half, 2)}), and "
        f"{wording.number(strict.value, 2)} where it must share more than .7; average precision from .5 to .95 is "
        f"{wording.number(precision.value, 2)}."
    )


def _finding(evidence: Evidence) -> str:
    detection = evidence.detection
    score = detection.scores.get(FOUND_AT_ONE) if detection else None
    if detection is not None and not any(detection.lesions):
        return _alarming(detection.scores.get("false_alarms"))
    if detection is None or score is None:
        return ""
    found, low, high = (round(100 * value) for value in (score.value, score.low, score.high))
    return (
        f"With one false alarm an image the model finds {found} of 100 lesions (95\u202f% interval {low} to {high}; a "
        f"hit is {detection.rule})."
    )


def _alarming(alarms: Score | None) -> str:
    if alarms is None:
        return ""
    return (
        f"On images without a lesion the model shows {wording.number(alarms.value, 2)} false alarms an image "
        f"(95\u202f% interval {wording.interval(alarms, 2)})."
    )


def _ranking(evidence: Evidence) -> str:
    score = evidence.scores.get("auc_roc")
    if score is None or not math.isfinite(score.value):
        return ""
    times, low, high = (round(100 * value) for value in (score.value, score.low, score.high))
    if len(evidence.classes) == 2:
        negative, positive = evidence.classes
        what = f"Shown a {positive} and a {negative} case, the model rates the {positive} one higher"
    else:
        what = "Shown a case of a class and one of another, the model rates the first higher for that class"
    if score.high < 0.5:
        return f"{what} only {times} times in 100 ({low} to {high}): it ranks the wrong way round."
    if score.low <= 0.5:
        return f"{what} {times} times in 100, but the interval, {low} to {high}, holds 50: this may be chance."
    return f"{what} {times} times in 100 (95\u202f% interval {low} to {high})."


def _operating(evidence: Evidence) -> str:
    sensitivity, specificity = evidence.scores.get("sensitivity"), evidence.scores.get("specificity")
    if len(evidence.classes) != 2 or sensitivity is None or specificity is None:
        return ""
    if not math.isfinite(sensitivity.value + specificity.value):
        return ""
    negative, positive = evidence.classes
    found, alarms = round(100 * sensitivity.value), round(100 * (1 - specificity.value))
    return (
        f"At its threshold it finds {found} of 100 {positive} cases and calls {alarms} of 100 {negative} ones "
        f"{positive}."
    )
