"""The tables of an evidence: what was decided, and how the score differs between groups of cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.evidence import Evidence, Score, Subgroup
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


SubgroupTables = tuple[tuple[str, tuple[SubgroupRow, ...]], ...]
"""By attribute."""


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


def subgroup_rows(evidence: Evidence) -> SubgroupTables:
    """Of images as a whole, with the page's main score."""
    name = main_score(evidence.scores)
    return subgroup_tables(
        evidence.subgroups,
        name,
        title=score_words.label(name),
        counted="case",
        positives=evidence.classes[1] if len(evidence.classes) == 2 else "",
        reference=evidence.scores[name].value if name else None,
        against="all cases",
    )


def subgroup_tables(
    groups: Sequence[Subgroup],
    name: str,
    *,
    title: str,
    counted: str,
    positives: str = "",
    decimals: int = 3,
    drawn: bool = True,
    reference: float | None = None,
    against: str = "",
) -> SubgroupTables:
    """A table for each attribute, in the order of the evidence: the smallest group first.

    Args:
        groups: Of an evidence.
        name: Of the score that is shown.
        title: What it is called.
        counted: What `Subgroup.cases` counts.
        positives: What `Subgroup.positives` counts; empty where that is not told.
        decimals: Of the score.
        drawn: Whether it is a share, and so drawn on a track from 0 to 1.
        reference: Marked on the track, see `interval_track`; so is `against`.
    """
    tables: dict[str, list[SubgroupRow]] = {}
    for group in groups:
        score = group.scores.get(name)
        size = f"{wording.plural(group.cases, counted)}, {wording.plural(group.patients, 'patient')}"
        told = f"{group.attribute} {group.value}: {title}"
        shown = score is not None and math.isfinite(score.value)
        tables.setdefault(group.attribute, []).append(
            SubgroupRow(
                value=group.value,
                size=f"{size}, {wording.count(group.positives)} {positives}" if positives else size,
                track=interval_track(told, score, reference=reference, against=against)
                if score and shown and drawn
                else None,
                figure=wording.number(score.value, decimals) if score else wording.UNDEFINED,
                interval=wording.interval(score, decimals) if score and shown else "",
                note=group.note,
            )
        )
    return tuple((attribute, tuple(rows)) for attribute, rows in tables.items())
