"""The tables of an evidence: what was decided, and how the score differs between groups of cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.score_table import ScoreRow, main_score


@dataclass(frozen=True)
class MatrixCell:
    """A cell of the confusion matrix."""

    count: int
    share: float
    """Of its row."""
    right: bool
    word: str


@dataclass(frozen=True)
class MatrixRow:
    """The cases of one true class."""

    name: str
    total: int
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class SubgroupRow:
    """A subgroup with the page's main score."""

    value: str
    size: str
    track: Markup | None
    figure: str
    interval: str
    note: str


def attainable_rows(evidence: Evidence) -> tuple[ScoreRow, ...]:
    """A row for each wished sensitivity or specificity: what the other score reaches there."""
    rows = []
    for point in evidence.attainable:
        kept, least = point.rule.split(">=")
        name = score_words.label(point.score)
        rows.append(
            ScoreRow(
                label=name,
                meaning=f"At {kept} {wording.number(float(least), 2)}, from a probability of "
                f"{wording.number(point.threshold, 3)} on",
                track=interval_track(f"{name} at {kept} {least}", point.reached),
                value=wording.number(point.reached.value),
                interval=wording.interval(point.reached),
            )
        )
    return tuple(rows)


def set_rows(evidence: Evidence) -> tuple[ScoreRow, ...]:
    """How often a set of classes held the truth, for each class, and how often it was one class, or none."""
    sets = evidence.sets
    if sets is None:
        return ()
    told = [
        (
            f"Holds the truth: {name}",
            f"Of {name} patients, each counting once, the share with {name} in the set",
            score,
            sets.promised,
        )
        for name, score in sets.coverage.items()
    ]
    wanted: list[tuple[str, str, Score, float | None]] = [
        *told,
        ("Decided", "Cases whose set is one class: an answer", sets.decided, None),
        ("Empty", "Cases of which the model is less sure than of nearly all of any class", sets.empty, None),
    ]
    return tuple(
        ScoreRow(
            label=label,
            meaning=meaning,
            track=interval_track(label, score, reference=promised, against="promised"),
            value=wording.number(score.value),
            interval=wording.interval(score),
        )
        for label, meaning, score, promised in wanted
    )


def matrix_rows(evidence: Evidence) -> list[MatrixRow]:
    """The confusion matrix, a row for each true class."""
    rows = []
    binary = len(evidence.classes) == 2
    words = {(1, 1): "found", (1, 0): "missed", (0, 1): "false alarms", (0, 0): "cleared"} if binary else {}
    for truth, counts in enumerate(evidence.confusion):
        total = sum(counts)
        cells = tuple(
            MatrixCell(amount, amount / total if total else 0.0, truth == said, words.get((truth, said), ""))
            for said, amount in enumerate(counts)
        )
        rows.append(MatrixRow(evidence.classes[truth], total, cells))
    return rows


def subgroup_rows(evidence: Evidence) -> list[tuple[str, list[SubgroupRow]]]:
    """Rows by attribute, in the order of the evidence: the smallest group first."""
    name = main_score(evidence.scores)
    tables: dict[str, list[SubgroupRow]] = {}
    for group in evidence.subgroups:
        score = group.scores.get(name)
        size = f"{wording.plural(group.cases, 'case')}, {wording.plural(group.patients, 'patient')}"
        if len(evidence.classes) == 2:
            size += f", {wording.count(group.positives)} {evidence.classes[1]}"
        title = f"{group.attribute} {group.value}: {score_words.label(name)}"
        shown = score is not None and math.isfinite(score.value)
        reference = evidence.scores[name].value if name else None
        tables.setdefault(group.attribute, []).append(
            SubgroupRow(
                value=group.value,
                size=size,
                track=interval_track(title, score, reference=reference, against="all cases")
                if score and shown
                else None,
                figure=wording.number(score.value) if score else wording.UNDEFINED,
                interval=wording.interval(score) if score and shown else "",
                note=group.note,
            )
        )
    return list(tables.items())
