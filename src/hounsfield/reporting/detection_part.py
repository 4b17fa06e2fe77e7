"""What a page says of a detection: how many lesions are found at which price, of which kind and size, and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from hounsfield.evaluation.detection import OVERLAPS
from hounsfield.evaluation.evidence import DetectionEvidence, ImageResult, Score
from hounsfield.evaluation.froc import RATES
from hounsfield.evaluation.matching import FALSE_ALARM, MISSED, match, rule_from
from hounsfield.image import Image
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.curves import precision_recall_chart
from hounsfield.reporting.charts.froc import froc_chart
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.evidence_tables import MatrixCell, MatrixRow, SubgroupTables, subgroup_tables
from hounsfield.reporting.gallery import ImageCard
from hounsfield.reporting.marks import Mark, best_slice, draw_marks, sure_words
from hounsfield.reporting.pictures import MAX_SIDE, encode, film_pixels
from hounsfield.reporting.score_table import FOUND_AT_ONE, ScoreRow


@dataclass(frozen=True, eq=False)
class FoundExample:
    """An image to show, with what was found on it."""

    result: ImageResult
    image: Image
    """As it is stored."""


@dataclass(frozen=True)
class DetectionPart:
    """The part of a page."""

    rule: str
    threshold: str
    threshold_from: str
    here: str
    """What the threshold does on these images, a sentence."""
    rows: tuple[ScoreRow, ...]
    froc: Markup | None
    """None where there is no lesion, and so is `precision`."""
    others: bool
    """Whether the chart has curves of single kinds."""
    precision: Markup | None
    kinds: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]
    subgroups: SubgroupTables
    notes: tuple[str, ...]
    cards: tuple[ImageCard, ...]


def detection_part(detection: DetectionEvidence, *, examples: Sequence[FoundExample] = ()) -> DetectionPart:
    """The detection as a page shows it; the worst images come first."""
    scores = detection.scores
    point = None
    if "false_alarms" in scores and "sensitivity" in scores:
        point = (scores["false_alarms"].value, scores["sensitivity"].value)
    froc, precision = detection.curves.get("froc"), detection.curves.get("precision_recall")
    others = {name: detection.curves[f"froc_{name}"] for name in detection.kinds if f"froc_{name}" in detection.curves}
    return DetectionPart(
        rule=detection.rule,
        threshold=wording.number(detection.threshold),
        threshold_from=detection.threshold_from,
        here=at_threshold(detection),
        rows=_rows(detection),
        froc=froc_chart(froc, others, point=point) if froc else None,
        others=bool(others),
        precision=precision_recall_chart(precision, {}, prevalence=None) if precision else None,
        kinds=detection.kinds,
        matrix=_matrix(detection),
        subgroups=_subgroups(detection),
        notes=detection.notes,
        cards=tuple(_card(example, detection) for example in examples),
    )


def at_threshold(detection: DetectionEvidence) -> str:
    """What the threshold does on the images that were measured, a sentence; empty where that is not known."""
    found, alarms = detection.scores.get("sensitivity"), detection.scores.get("false_alarms")
    if alarms is None or (found is None and any(detection.lesions)):
        return ""
    on = "On these images" if found else "On these images, none of which has a lesion,"
    lesions = f"{wording.percent(found.value)} of the lesions and " if found else ""
    return (
        f"{on} it shows {lesions}{wording.number(alarms.value, 2)} false alarms an image (95\u202f% interval "
        f"{wording.interval(alarms, 2)})."
    )


def choose_found(detection: DetectionEvidence, *, each: int = 3) -> list[ImageResult]:
    """Images worth a look: those with lesions that nothing sure was found on, those with the surest false alarms, and
    those whose lesions were found most surely, so many of each.
    """
    rule = rule_from(detection.rule)
    missed: list[tuple[float, ImageResult]] = []
    alarms: list[tuple[float, ImageResult]] = []
    hits: list[tuple[float, ImageResult]] = []
    for one in detection.results:
        scores = np.array([found.score for found in one.found])
        pairs = match([found.box for found in one.found], scores, one.truths, rule)
        of_lesions = [0.0 if by == MISSED else float(scores[by]) for by in pairs.by.tolist()]
        wrong = scores[pairs.taken == FALSE_ALARM]
        if of_lesions and min(of_lesions) < detection.threshold:
            missed.append((min(of_lesions), one))
        elif of_lesions:
            hits.append((-min(of_lesions), one))
        if len(wrong) and wrong.max() >= detection.threshold:
            alarms.append((-float(wrong.max()), one))
    chosen: dict[str, ImageResult] = {}
    for group in (missed, alarms, hits):
        ranked = [one for _, one in sorted(group, key=lambda entry: entry[0]) if one.case not in chosen]
        chosen |= {one.case: one for one in ranked[:each]}
    return list(chosen.values())


def _rows(detection: DetectionEvidence) -> tuple[ScoreRow, ...]:
    told: list[tuple[str, str, str]] = [
        (name, score_words.label(name), score_words.meaning(name, ()))
        for name in (*(f"sensitivity_at_{rate:g}" for rate in RATES), "mean_sensitivity")
    ]
    for name in detection.kinds if len(detection.kinds) > 1 else ():
        told.append((f"sensitivity_{name}_at_1", f"Found at 1: {name}", "Whatever they were called"))
    told += [
        (f"average_precision_{round(100 * least)}", "Average precision", f"At an intersection over union of {least:g}")
        for least in OVERLAPS
    ]
    for name in detection.kinds if len(detection.kinds) > 1 else ():
        meaning = "At 0.5, ranked by how sure it is of this kind"
        told.append((f"average_precision_{name}_50", f"Average precision: {name}", meaning))
    told += [
        ("sensitivity", "At the threshold: found", "Share of lesions shown"),
        ("right_kind", "At the threshold: right kind", "Of the lesions found, those called by their kind"),
    ]
    return tuple(
        _row(label, meaning, detection.scores[name]) for name, label, meaning in told if name in detection.scores
    )


def _row(label: str, meaning: str, score: Score) -> ScoreRow:
    return ScoreRow(label, meaning, interval_track(label, score), wording.number(score.value), wording.interval(score))


def _matrix(detection: DetectionEvidence) -> tuple[MatrixRow, ...]:
    """A row a kind; none without lesions."""
    if not any(detection.lesions):
        return ()
    rows = []
    for kind, counts in enumerate(detection.confusion):
        total = sum(counts)
        cells = tuple(
            MatrixCell(amount, amount / total if total else 0.0, kind == said, "") for said, amount in enumerate(counts)
        )
        rows.append(MatrixRow(detection.kinds[kind], total, cells))
    return tuple(rows)


def _subgroups(detection: DetectionEvidence) -> SubgroupTables:
    whole = detection.scores.get(FOUND_AT_ONE)
    return subgroup_tables(
        detection.subgroups,
        FOUND_AT_ONE,
        title="found at 1",
        counted="lesion",
        drawn=whole is not None,
        reference=whole.value if whole else None,
        against="all lesions",
    )


def _card(example: FoundExample, detection: DetectionEvidence) -> ImageCard:
    result = example.result
    scores = np.array([found.score for found in result.found])
    pairs = match([found.box for found in result.found], scores, result.truths, rule_from(detection.rule))
    marks, missed, alarms = [], 0, 0
    for box, by in zip(result.truths, pairs.by.tolist(), strict=True):
        late = by == MISSED or scores[by] < detection.threshold
        missed += late
        marks.append(Mark(box, "missed" if late else "lesion", f"{box.label} (missed)" if late else ""))
    for found, taken in zip(result.found, pairs.taken.tolist(), strict=True):
        if found.score >= detection.threshold:
            wrong = taken == FALSE_ALARM
            alarms += wrong
            by_kind = tuple(zip(detection.kinds, found.probabilities, strict=True))
            label = max(by_kind, key=lambda pair: pair[1])[0]
            words = sure_words(label, min(1.0, found.score), by_kind)
            marks.append(Mark(found.box, "false alarm" if wrong else "found", words))
    lesions = len(result.truths)
    words = (
        f"{lesions - missed} of {wording.plural(lesions, 'lesion')} found" if lesions else "no lesion"
    ) + f", {wording.plural(alarms, 'false alarm')}"
    image = example.image
    depth = best_slice([mark for mark in marks if mark.kind == "missed"] or marks, image)
    pixels = film_pixels(image, depth_index=depth, max_side=MAX_SIDE)
    film = encode(draw_marks(pixels, marks, image, depth_index=depth), alt=f"Film of case {result.case}: {words}")
    return ImageCard(result.case, film, words if image.planar else f"{words}, slice {depth + 1} of {image.shape[0]}")
