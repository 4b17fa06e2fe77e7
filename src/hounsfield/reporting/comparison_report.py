"""The page of `compare`: two models side by side, and whether the difference may be chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hounsfield.evaluation.comparison import Comparison
from hounsfield.evaluation.difference import Difference
from hounsfield.evaluation.paired import SHARES
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.intervals import difference_track, track_scale
from hounsfield.reporting.page import Fact, render
from hounsfield.reporting.score_table import FOUND_AT_ONE

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


@dataclass(frozen=True)
class DifferenceTable:
    """Scores of both models on tracks of one scale."""

    title: str
    meaning: str
    head: str
    """Of the column of names."""
    rows: tuple[DifferenceRow, ...]
    scale: Markup


@dataclass(frozen=True)
class Lead:
    """The score that says which model is better."""

    does: tuple[str, str]
    """What a model does well, and what both do."""
    what: str
    found: Difference
    p_value: float
    unit: str = ""
    larger_is_better: bool = True


def comparison_page(comparison: Comparison, *, command: str = "") -> str:
    """The comparison as one HTML page.

    Args:
        comparison: What was measured.
        command: How to make it again; left out when empty.
    """
    return render(
        "comparison.html.jinja",
        comparison=comparison,
        contents=[("scores", "Scores"), ("origin", "Where this comes from")],
        verdict=verdict(comparison),
        facts=_facts(comparison),
        tables=_tables(comparison),
        origin=_origin(comparison),
        command=command,
    )


def verdict(comparison: Comparison) -> str:
    """Which model is better, or that this is not known; a sentence."""
    lead = _lead(comparison)
    if lead is None:
        return "No area under the ROC curve: all cases are of one class."
    found, decimals = lead.found, 2 if lead.unit else 3
    if found.difference.value == 0:
        return f"Both {lead.does[1]} equally well: {lead.what} {wording.number(found.first, decimals)}{lead.unit}."
    better, worse = comparison.first.name, comparison.second.name
    if (found.difference.value > 0) != lead.larger_is_better:
        better, worse = worse, better
    size = f"{wording.number(abs(found.difference.value), decimals)}{lead.unit}"
    if lead.p_value > CHANCE or found.difference.low <= 0 <= found.difference.high:
        return (
            f"{better} {lead.does[0]} better by {size} of {lead.what}, but a difference like this is seen by chance "
            f"where there is none (p = {p_words(lead.p_value)}): these {comparison.cases} cases do not tell which is "
            "better."
        )
    side = "higher" if lead.larger_is_better else "lower"
    return (
        f"{better} {lead.does[0]} better than {worse}: {lead.what} {size} {side}, "
        f"95\u202f% interval of the difference {wording.interval(found.difference, decimals)} "
        f"(p = {p_words(lead.p_value)})."
    )


def _lead(comparison: Comparison) -> Lead | None:
    for name, scores in comparison.named.items():  # all of them together first
        if found := scores.get(FOUND_AT_ONE):
            what = f"share of {name} found with one false alarm an image"
            return Lead(("finds", "find"), what, found, found.p_value)
        if dice := scores.get("dice"):
            return Lead(("outlines", "outline"), f"Dice of {name}", dice, dice.p_value)
        error = scores["median"]
        unit = f"\u202f{comparison.unit}"
        return Lead(
            ("locates", "locate"), f"median error of {name}", error, error.p_value, unit, larger_is_better=False
        )
    area = comparison.differences.get("auc_roc")
    if area is None:
        return None
    return Lead(("ranks", "rank"), "AUC", area, comparison.areas.p_value if comparison.areas else area.p_value)


def p_words(value: float) -> str:
    """A p value with three places, or below which one it lies."""
    return "< 0.001" if value < 0.001 else wording.number(value)


def widest(differences: Iterable[Difference], *, most: float = math.inf) -> float:
    """The end of tracks: the farthest end of any interval, rounded up to a tenth, `most` at the most."""
    ends = [abs(end) for one in differences for end in (one.difference.low, one.difference.high)]
    return min(most, max(1, math.ceil(10 * max(ends, default=0.1))) / 10)


def _tables(comparison: Comparison) -> list[DifferenceTable]:
    """One of all scores of images as a whole, and one for each kind of lesions; or one for each score of landmarks or
    labels."""
    if comparison.of in ("", "lesions"):
        of_lesions = [_scores_table(comparison, name, scores) for name, scores in comparison.named.items()]
        title = "Images as a whole" if of_lesions else ""
        return [*of_lesions, _scores_table(comparison, title, comparison.differences)]
    names = list(comparison.named)
    names = names[1:] if len(names) == 2 else names
    scores = score_words.ordered(list(dict.fromkeys(score for own in comparison.named.values() for score in own)))
    return [_named_table(comparison, score, names) for score in scores]


def _scores_table(comparison: Comparison, title: str, scores: Mapping[str, Difference]) -> DifferenceTable:
    rows = [
        (score_words.label(name), score_words.meaning(name, comparison.classes), scores[name])
        for name in score_words.ordered(list(scores))
    ]
    return _table(f"{title[:1].upper()}{title[1:]}", "", "Score", rows, shares=True)


def _named_table(comparison: Comparison, score: str, names: Sequence[str]) -> DifferenceTable:
    rows = []
    for name in names:
        if found := comparison.named[name].get(score):
            rows.append((name, wording.plural(found.cases, "image"), found))
    shares = score in SHARES
    title = score_words.label(score) if shares else f"{score_words.label(score)}, {comparison.unit}"
    head = "Landmark" if score == "median" else "Label"
    return _table(title, score_words.meaning(score, comparison.classes), head, rows, shares=shares)


def _table(
    title: str, meaning: str, head: str, rows: Sequence[tuple[str, str, Difference]], *, shares: bool
) -> DifferenceTable:
    limit = widest((found for _, _, found in rows), most=1.0 if shares else math.inf)
    decimals = 3 if shares else 2
    drawn = tuple(
        DifferenceRow(
            label=label,
            meaning=said,
            first=wording.number(found.first, decimals),
            second=wording.number(found.second, decimals),
            track=difference_track(f"{title} {label}".strip(), found.difference, limit=limit),
            difference=wording.number(found.difference.value, decimals),
            interval=wording.interval(found.difference, decimals),
            p_value=p_words(found.p_value),
        )
        for label, said, found in rows
    )
    return DifferenceTable(title, meaning, head, drawn, track_scale(-limit, limit))


def _facts(comparison: Comparison) -> list[Fact]:
    facts = [
        Fact("Cases", wording.count(comparison.cases), f"of {comparison.dataset}, {comparison.split}"),
        Fact("Patients", wording.count(comparison.patients), "draws take whole patients"),
    ]
    if comparison.agreement is not None:
        facts.append(Fact("Same call", wording.percent(comparison.agreement), "each at its own threshold"))
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
