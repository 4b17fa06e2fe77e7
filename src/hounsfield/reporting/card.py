"""The model card: what a bundle is for, what it learned from and what was measured, and what a person has to add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hounsfield.bundle import Bundle, OperatingPoint
from hounsfield.datasets.split import read_split
from hounsfield.evaluation.evidence import Evidence, Score
from hounsfield.reporting.card_answers import answers_of, network_words
from hounsfield.reporting.checklists import Item, claim_2024, tripod_ai
from hounsfield.reporting.label_answers import label_scores
from hounsfield.reporting.landmark_answers import landmark_scores
from hounsfield.reporting.localization_part import localization_part
from hounsfield.reporting.page import Fact, render
from hounsfield.reporting.segmentation_part import segmentation_part
from hounsfield.reporting.wording import duration

_USE = (
    "Research. It is not a medical device: no answer of it may decide about a patient. What a person has to add before "
    "others use it stands at the end of this card."
)


@dataclass(frozen=True)
class Guideline:
    """A checklist, answered as far as the run can."""

    name: str
    items: tuple[Item, ...]

    @property
    def counted(self) -> str:
        """How many items are answered, in words."""
        states = [item.state for item in self.items]
        answered, partly = states.count("answered"), states.count("in part")
        return f"{answered} of {len(states)} items are answered by the run, {partly} in part"


@dataclass(frozen=True)
class Card:
    """What a model card says; written as Markdown or as a page."""

    name: str
    made: str
    facts: tuple[Fact, ...]
    measured_on: str
    evidence: Evidence
    notes: tuple[str, ...]
    guidelines: tuple[Guideline, ...]

    @property
    def wanted(self) -> tuple[Item, ...]:
        """What a person has to write, in the order of the first guideline."""
        return tuple(item for item in self.guidelines[0].items if item.wanted)


def model_card(bundle: Bundle, evidence: Evidence) -> Card:
    """The card of a bundle.

    Args:
        bundle: What was trained.
        evidence: What was measured on its validation cases, or on those it was recalibrated on.

    Reference:
        Mitchell et al., "Model cards for model reporting" (2019), doi:10.1145/3287560.3287596.
    """
    training, plan, operating = bundle.training, bundle.plan, bundle.operating
    split_path = bundle.folder / "split.json"
    answers = answers_of(bundle, evidence, read_split(split_path) if split_path.is_file() else None)
    told = "local" if training.recalibrated else "validation"
    counts = ", ".join(f"{n} {name}" for n, name in zip(evidence.class_counts, evidence.classes, strict=True))
    shape = " × ".join(str(side) for side in plan.input.shape)
    ended = f"{duration(training.seconds)} on {training.machine or 'an unknown machine'}; ended: {training.stopped}"
    facts = [
        Fact(
            "Data",
            f"{training.dataset}, {training.cases} cases of {training.patients} patients to learn from and validate on",
        ),
        Fact(
            "Networks",
            f"{training.members} {network_words(bundle)}, input {shape}, at most {plan.optimisation.epochs} epochs",
        ),
        Fact("Time", ended),
        *_point_facts(operating, told),
    ]
    if training.recalibrated:
        facts.append(Fact("Recalibrated", training.recalibrated))
    asked = " or ".join(plan.localization.landmarks or plan.segmentation.labels or plan.classes)
    return Card(
        name=bundle.identity.name,
        made=f"Answers: {asked}. Model {bundle.identity.sha256[:16]}, made by hounsfield "
        f"{bundle.identity.version} on {training.created[:10]}.",
        facts=tuple(facts),
        measured_on=f"On {evidence.cases} {told} cases of {evidence.patients} patients ({counts}); brackets are 95 % "
        "intervals resampled by patient.",
        evidence=evidence,
        notes=tuple(dict.fromkeys((*evidence.notes, *training.warnings))),
        guidelines=(Guideline("CLAIM 2024", claim_2024(answers)), Guideline("TRIPOD+AI", tripod_ai(answers))),
    )


def _point_facts(operating: OperatingPoint, told: str) -> list[Fact]:
    """How answers are made, and on which cases that was chosen."""
    if operating.landmarks is not None:
        promise = (
            f"{operating.landmarks.coverage:.0%} of landmarks lie within them" if operating.landmarks.coverage else ""
        )
        return [Fact("Radii", f"{promise or 'none are promised'}, chosen on {told} cases")]
    return [
        Fact("Probabilities", f"{'' if operating.calibrated else 'not '}calibrated on {told} cases"),
        Fact("Threshold", f"{operating.threshold:.4f}, {operating.threshold_from}"),
    ]


def _scores(evidence: Evidence) -> Mapping[str, Score]:
    if evidence.segmentation:
        return label_scores(evidence.segmentation)
    return landmark_scores(evidence.localization) if evidence.localization else evidence.scores


def card_text(card: Card) -> str:
    """The card as Markdown."""
    lines = [f"# {card.name}", "", card.made, "", "## Use", "", _USE, "", "## Training", ""]
    lines += [f"- {fact.name}: {fact.value}." for fact in card.facts]
    lines += ["", "## Measured", "", card.measured_on, "", "| score | value | interval |", "|---|---|---|"]
    lines += [f"| {name} | {s.value:.3f} | {s.low:.3f} to {s.high:.3f} |" for name, s in _scores(card.evidence).items()]
    lines += ["", *(f"- {note}" for note in card.notes), ""]
    for guideline in card.guidelines:
        lines += [f"## {guideline.name}", "", f"{guideline.counted}.", ""]
        lines += ["| item | asks for | the run says | a person adds |", "|---|---|---|---|"]
        lines += [_row(item.number, item.asks, item.answer, item.wanted) for item in guideline.items]
        lines.append("")
    lines += ["## What a person has to write", ""]
    lines += [f"- [ ] {item.asks}: {item.wanted}" for item in card.wanted]
    return "\n".join([*lines, ""])


def card_page(card: Card) -> str:
    """The card as one HTML page."""
    from hounsfield.reporting.charts.intervals import track_scale
    from hounsfield.reporting.score_table import score_rows

    evidence = card.evidence
    return render(
        "card.html.jinja",
        card=card,
        use=_USE,
        contents=_contents(card.guidelines, "scores" if evidence.scores else "found"),
        outlined=segmentation_part(evidence.segmentation) if evidence.segmentation else None,
        located=localization_part(evidence.localization) if evidence.localization else None,
        rows=score_rows(evidence.scores, classes=evidence.classes, class_counts=evidence.class_counts),
        scale=track_scale(),
    )


def _contents(guidelines: Sequence[Guideline], measured: str) -> list[tuple[str, str]]:
    own = [(f"guideline-{number}", guideline.name) for number, guideline in enumerate(guidelines)]
    return [(measured, "Measured"), ("wanted", "To be written"), *own]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
