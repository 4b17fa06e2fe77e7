"""An audit as facts and rows of a page."""

from __future__ import annotations

from hounsfield.datasets.audit import Audit
from hounsfield.evaluation.evidence import Score
from hounsfield.reporting import wording
from hounsfield.reporting.charts.intervals import interval_track
from hounsfield.reporting.page import Fact
from hounsfield.reporting.score_table import ScoreRow

_SOURCES = {
    "border": ("Border", "the outer eighth, and its brightest spots"),
    "size": ("Size", "sides and bytes, as a listing of the folder shows them"),
    "site": ("Site", "where it was taken"),
    "thumbnail": ("Thumbnail", "16 × 16 pixels"),
}


def audit_facts(audit: Audit) -> list[Fact]:
    """The counts of an audit."""
    across = sum(group.across for group in audit.groups)
    return [
        Fact("Images", wording.count(audit.images), "looked at"),
        Fact("Patients on both sides", wording.count(audit.patients_on_both_sides)),
        Fact("Near duplicates", wording.count(audit.near_duplicate_pairs), f"pairs, in {len(audit.groups)} groups, "
             f"{across} across patients or parts"),
        *([Fact("Neighbours passed over", wording.count(audit.pairs_passed_over), "less alike pairs, not looked at "
                "closely for copies turned by other than right angles")] if audit.pairs_passed_over else []),
        Fact("Label conflicts", wording.count(audit.label_conflicts), "cases with a near duplicate of another class"),
        Fact("Repeated rows", wording.count(audit.repeated_rows)),
        Fact("Unreadable", wording.count(audit.unreadable), f"and {audit.empty} of one grey level"),
        Fact("Clipped", wording.count(audit.clipped), "more than a fifth of the pixels at the highest value"),
        Fact("Text in the pixels", wording.count(audit.burnt_in_text), "images"),
    ]  # fmt: skip


def shortcut_rows(audit: Audit) -> list[ScoreRow]:
    """How well the class is told from each source alone."""
    rows = []
    for shortcut in audit.shortcuts:
        label, meaning = _SOURCES[shortcut.source]
        score = Score(shortcut.auc, shortcut.low, shortcut.high)
        rows.append(
            ScoreRow(
                label=label,
                meaning=meaning,
                track=interval_track(label, score, reference=0.5),
                value=wording.number(shortcut.auc),
                interval=wording.interval(score),
            )
        )
    return rows
