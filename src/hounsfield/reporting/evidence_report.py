"""The page of `evaluate`: how good a model is, on which cases, and where it errs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hounsfield.evaluation.evidence import Evidence, LocalizationEvidence
from hounsfield.reporting import score_words, wording
from hounsfield.reporting.charts.intervals import track_scale
from hounsfield.reporting.detection_part import FoundExample, detection_part
from hounsfield.reporting.evidence_charts import evidence_charts
from hounsfield.reporting.evidence_tables import attainable_rows, matrix_rows, set_rows, subgroup_rows
from hounsfield.reporting.examples import Example
from hounsfield.reporting.gallery import example_card
from hounsfield.reporting.localization_part import LocatedExample, localization_part
from hounsfield.reporting.page import Fact, render, write_page
from hounsfield.reporting.pictures import heat_scale, tallest
from hounsfield.reporting.score_table import main_figure, main_score, score_rows, verdict
from hounsfield.reporting.segmentation_part import OutlinedExample, segmentation_part

SPLITS = {
    "test": "cases of patients held back from training",
    "val": "validation cases, which chose epoch and threshold",
    "external": "cases from elsewhere",
    "recalibration": "local cases, which chose the threshold, each with a calibration chosen on others",
    "all": "all cases, those of training among them",
}
"""What the words for a split mean."""


def evidence_page(
    evidence: Evidence,
    *,
    examples: Sequence[Example] = (),
    found: Sequence[FoundExample] = (),
    located: Sequence[LocatedExample] = (),
    outlined: Sequence[OutlinedExample] = (),
    command: str = "",
    data_file: str = "evidence.json",
) -> str:
    """The evidence as one HTML page.

    Args:
        evidence: What was measured.
        examples: Cases to show, see `examples.choose_examples`; the page tells hits from mistakes itself.
        found: Images to show with what was found on them, see `detection_part.choose_found`.
        located: Images to show with what was located on them, see `localization_part.choose_located`.
        outlined: Images to show with what was outlined on them, see `segmentation_part.choose_outlined`.
        command: How to make these figures again; left out when empty.
        data_file: Name of the file beside the page that holds the same figures for machines; empty for none.
    """
    cards = [example_card(example, evidence) for example in examples]
    groups = subgroup_rows(evidence)
    return render(
        "evidence.html.jinja",
        evidence=evidence,
        found=detection_part(evidence.detection, examples=found) if evidence.detection else None,
        contents=_contents(evidence, bool(cards), bool(groups), bool(found or located or outlined)),
        title=_title(evidence),
        located=localization_part(evidence.localization, examples=located) if evidence.localization else None,
        outlined=segmentation_part(evidence.segmentation, examples=outlined) if evidence.segmentation else None,
        split=SPLITS.get(evidence.split, ""),
        verdict=verdict(evidence),
        main=main_figure(evidence),
        facts=_facts(evidence),
        rows=score_rows(evidence.scores, classes=evidence.classes, class_counts=evidence.class_counts),
        scale=track_scale(),
        matrix=matrix_rows(evidence),
        attainable=attainable_rows(evidence),
        sets=set_rows(evidence),
        promised=wording.percent(evidence.sets.promised) if evidence.sets else "",
        charts=evidence_charts(evidence),
        subgroups=groups,
        subgroup_score=score_words.label(main_score(evidence.scores)),
        mistakes=[card for card in cards if not card.right],
        hits=[card for card in cards if card.right],
        film_ratio=tallest([card.film for card in cards]),
        boxes_shown=any(example.boxes for example in examples),
        heat_scale=heat_scale() if any(card.heat for card in cards) else None,
        origin=_origin(evidence),
        command=command,
        data_file=data_file,
    )


def write_evidence_page(
    path: Path,
    evidence: Evidence,
    *,
    examples: Sequence[Example] = (),
    found: Sequence[FoundExample] = (),
    located: Sequence[LocatedExample] = (),
    outlined: Sequence[OutlinedExample] = (),
    command: str = "",
    data_file: str = "evidence.json",
) -> None:
    """Write `evidence_page` to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    page = evidence_page(
        evidence,
        examples=examples,
        found=found,
        located=located,
        outlined=outlined,
        command=command,
        data_file=data_file,
    )
    write_page(path, page)


def _title(evidence: Evidence) -> str:
    """The data, and what the answers are about: one of the classes, or every landmark or label."""
    part = evidence.localization or evidence.segmentation
    if part is None:
        return f"{evidence.dataset}: {wording.listed(evidence.classes, last='or')}"
    names = [one.name for one in (part.landmarks if isinstance(part, LocalizationEvidence) else part.labels)]
    return f"{evidence.dataset}: {wording.listed(names[1:] or names)}"


def _contents(evidence: Evidence, examples: bool, subgroups: bool, films: bool) -> list[tuple[str, str]]:
    found = [("scores", "Scores")]
    if evidence.localization:
        found = [("found", "What was located"), *([("films", "Images")] if films else [])]
    if evidence.segmentation:
        found = [("found", "What was outlined"), *([("films", "Images")] if films else [])]
    if evidence.detection:
        own = [("found", "What was found"), *([("films", "Images")] if films else [])]
        found = [*own, ("scores", "Images as a whole")]
    if evidence.confusion:
        found.append(("decisions", "Decisions"))
    if evidence.sets:
        found.append(("sets", "Sure answers"))
    if evidence.curves:
        found.append(("curves", "Curves"))
    if subgroups:
        found.append(("subgroups", "Subgroups"))
    if examples:
        found.append(("cases", "Cases"))
    return [*found, ("origin", "Where this comes from")]


def _facts(evidence: Evidence) -> list[Fact]:
    located = evidence.localization is not None or evidence.segmentation is not None
    counts = (
        ""
        if located
        else ", ".join(
            f"{wording.count(amount)} {name}"
            for name, amount in zip(evidence.classes, evidence.class_counts, strict=True)
        )
    )
    facts = [
        Fact("Cases", wording.count(evidence.cases), counts if len(evidence.classes) <= 4 else ""),
        Fact("Patients", wording.count(evidence.patients), "intervals resample patients"),
        Fact("Split", evidence.split, SPLITS.get(evidence.split, "")),
    ]
    if len(evidence.classes) == 2:
        facts.append(Fact("Threshold", wording.number(evidence.threshold), _when_chosen(evidence.split)))
    model = f"version {evidence.model.version}, {wording.short_hash(evidence.model.sha256)}"
    return [*facts, Fact("Model", evidence.model.name, model)]


def _when_chosen(split: str) -> str:
    return "chosen on these cases" if split in ("val", "recalibration") else "chosen before these cases were read"


def _origin(evidence: Evidence) -> list[Fact]:
    """Everything that is needed to trace the figures."""
    facts = [
        Fact("Model", evidence.model.name, f"version {evidence.model.version}"),
        Fact("SHA-256", evidence.model.sha256),
        Fact("Data set", evidence.dataset, f"split {evidence.split}"),
        Fact("Measured", wording.moment(evidence.created) if evidence.created else wording.UNDEFINED),
        Fact("Reading took", wording.duration(evidence.seconds), f"{evidence.cases} cases"),
        Fact("Intervals", f"95\u202f%, {wording.count(evidence.resamples)} bootstrap draws of patients"),
        Fact("Format", f"evidence.json version {evidence.format}"),
    ]
    if evidence.versions:
        facts.append(Fact("Made with", ", ".join(f"{name} {number}" for name, number in evidence.versions.items())))
    return facts
