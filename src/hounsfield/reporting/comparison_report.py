"""The page of `compare`: two models side by side, and whether the difference may be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.comparison import Comparison
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.intervals import difference_track, track_scale
from hounsfield.reporting.page import Fact, render

CHANCE = 0.05
"""Differences that chance would make more often than this are not called differences."""


@dataclass(frozen=True)
class DifferenceRow:
    """One score of both models, written and drawn."""

    label: str
    meaning: str
    first: str
    second: str
    track: Markup
    difference: str
    interval: str
    p_value: str


def comparison_page(comparison: Comparison, *, command: str = "") -> str:
    """The comparison as one HTML page.

    Args:
        comparison: What was measured.
        command: How to make it again; left out when empty.
    """
    limit = widest(comparison)
    return render(
        "comparison.html.jinja",
        comparison=comparison,
        contents=[("scores", "Scores"), ("origin", "Where this comes from")],
        verdict=verdict(comparison),
        facts=_facts(comparison),
        rows=_rows(comparison, limit),
        scale=track_scale(-limit, limit),
        origin=_origin(comparison),
        command=command,
    )


def verdict(comparison: Comparison) -> str:
    """Which model ranks better, or that this is not known; a sentence."""
    found = comparison.differences.get("auc_roc")
    if found is None:
        return "No area under the ROC curve: all cases are of one class."
    better, worse = comparison.first.name, comparison.second.name
    if found.difference.value < 0:
        better, worse = worse, better
    if found.difference.value == 0:
        return f"Both rank equally well: AUC {wording.number(found.first)}."
    size = wording.number(abs(found.difference.value))
    p_value = comparison.areas.p_value if comparison.areas else found.p_value
    if p_value > CHANCE or found.difference.low <= 0 <= found.difference.high:
        return (
            f"{better} ranks better by {size} of AUC, but a difference like this is seen by chance where there is none "
            f"(p = {p_words(p_value)}): these {comparison.cases} cases do not tell which is better."
        )
    return (
        f"{better} ranks better than {worse}: AUC {size} higher, 95\u202f% interval of the difference "
        f"{wording.interval(found.difference)} (p = {p_words(p_value)})."
    )


def p_words(value: float) -> str:
    """A p value with three places, or below which one it lies."""
    return "< 0.001" if value < 0.001 else wording.number(value)


def widest(comparison: Comparison) -> float:
    """The end of the tracks: the farthest end of any interval, rounded up to a tenth."""
    ends = [abs(end) for one in comparison.differences.values() for end in (one.difference.low, one.difference.high)]
    return min(1.0, max(1, math.ceil(10 * max(ends, default=0.1))) / 10)


def _rows(comparison: Comparison, limit: float) -> list[DifferenceRow]:
    rows = []
    for name in score_words.ordered(list(comparison.differences)):
        found, label = comparison.differences[name], score_words.label(name)
        rows.append(
            DifferenceRow(
                label=label,
                meaning=score_words.meaning(name, comparison.classes),
                first=wording.number(found.first),
                second=wording.number(found.second),
                track=difference_track(label, found.difference, limit=limit),
                difference=wording.number(found.difference.value),
                interval=wording.interval(found.difference),
                p_value=p_words(found.p_value),
            )
        )
    return rows


def _facts(comparison: Comparison) -> list[Fact]:
    facts = [
        Fact("Cases", wording.count(comparison.cases), f"of {comparison.dataset}, {comparison.split}"),
        Fact("Patients", wording.count(comparison.patients), "draws take whole patients"),
        Fact("Same call", wording.percent(comparison.agreement), "of the cases, each at its own threshold"),
    ]
    if comparison.areas:
        low, high = comparison.areas.interval
        said = f"{wording.number(low)} to {wording.number(high)}, p = {p_words(comparison.areas.p_value)}"
        facts.append(Fact("DeLong's test", wording.number(comparison.areas.value), said))
    return facts


def _origin(comparison: Comparison) -> list[Fact]:
    return [
        *(
            Fact(model.name, f"version {model.version}", f"SHA-256 {model.sha256}")
            for model in (comparison.first, comparison.second)
        ),
        Fact("Data set", comparison.dataset, comparison.split),
        Fact("Intervals", f"95\u202f%, {wording.count(comparison.resamples)} paired bootstrap draws of patients"),
    ]
