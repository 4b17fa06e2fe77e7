"""The page of `train`: what was planned and why, how learning went, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.explanations import Explanations
from hounsfield.findings import ModelIdentity
from hounsfield.reporting import wording
from hounsfield.reporting.charts.intervals import track_scale
from hounsfield.reporting.charts.learning_curves import LearningCurve, loss_chart, score_chart
from hounsfield.reporting.detection_part import FoundExample, detection_part
from hounsfield.reporting.explanation_report import method_rows, verdict_words
from hounsfield.reporting.localization_part import LocatedExample, localization_part
from hounsfield.reporting.page import Fact, render, write_page
from hounsfield.reporting.score_table import main_figure, score_rows, verdict
from hounsfield.reporting.segmentation_part import OutlinedExample, segmentation_part
from hounsfield.reporting.split_table import PartCount


@dataclass(frozen=True)
class Choice:
    """One choice of the plan."""

    name: str
    """For instance "input.shape"; what stands before the first dot groups the choices."""
    value: str
    reason: str


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle."""

    name: str
    purpose: str
    sha256: str = ""


@dataclass(frozen=True)
class TrainingStory:
    """All that the training page tells."""

    name: str
    """Of the model."""
    dataset: str
    classes: tuple[str, ...]
    plan_choices: tuple[Choice, ...]
    curves: tuple[LearningCurve, ...]
    evidence: Evidence | None
    """Measured on the validation cases; None when nothing was held back."""
    split_counts: tuple[PartCount, ...]
    seconds: float
    """Wall time of the training."""
    stopped: str
    """Why training ended: "finished", "early stopping" …"""
    notes: tuple[str, ...] = ()
    """Warnings, a sentence each."""
    command: str = ""
    """How to train it again."""
    model: ModelIdentity | None = None
    score: str = "AUC"
    """What `LearningCurve.val_score` is."""
    explanations: Explanations | None = None
    found: tuple[FoundExample, ...] = ()
    """Validation images to show with what was found on them, the worst first …"""
    located: tuple[LocatedExample, ...] = ()
    """… or located …"""
    outlined: tuple[OutlinedExample, ...] = ()
    """… or outlined."""
    files: tuple[BundleFile, ...] = ()
    machine: str = ""
    created: str = ""
    """UTC, ISO 8601."""


def training_page(story: TrainingStory) -> str:
    """The story of a training as one HTML page."""
    evidence = story.evidence
    members = len(story.curves)
    return render(
        "training.html.jinja",
        story=story,
        contents=_contents(story),
        lede=_lede(story),
        verdict=_as_validation(verdict(evidence)) if evidence else "",
        main=main_figure(evidence) if evidence else None,
        facts=_facts(story),
        loss=loss_chart(story.curves),
        learned=score_chart(story.curves, score=story.score),
        members=members,
        found=detection_part(evidence.detection, examples=story.found) if evidence and evidence.detection else None,
        located=localization_part(evidence.localization, examples=story.located)
        if evidence and evidence.localization
        else None,
        outlined=segmentation_part(evidence.segmentation, examples=story.outlined)
        if evidence and evidence.segmentation
        else None,
        rows=score_rows(evidence.scores, classes=evidence.classes, class_counts=evidence.class_counts)
        if evidence
        else (),
        scale=track_scale(),
        methods=method_rows(story.explanations) if story.explanations else (),
        explained=verdict_words(story.explanations) if story.explanations else "",
        gain_scale=track_scale(-1.0, 1.0),
        plan=_grouped(story.plan_choices),
        origin=_origin(story),
        notes=list(dict.fromkeys((*story.notes, *(evidence.notes if evidence else ())))),
    )


def write_training_page(path: Path, story: TrainingStory) -> None:
    """Write `training_page` to `path`, whole or not at all.

    Raises:
        StorageError: The disk refuses.
    """
    write_page(path, training_page(story))


def _contents(story: TrainingStory) -> list[tuple[str, str]]:
    found, evidence = [], story.evidence
    films = [("films", "Images")] if story.found or story.located or story.outlined else []
    if evidence is not None and evidence.detection is not None:
        found += [("found", "What was found"), *films, ("scores", "Images as a whole")]
    elif evidence is not None and evidence.localization is not None:
        found += [("found", "What was located"), *films]
    elif evidence is not None and evidence.segmentation is not None:
        found += [("found", "What was outlined"), *films]
    elif evidence is not None:
        found.append(("scores", "Validation"))
    if story.curves:
        found.append(("learning", "Learning"))
    if story.explanations is not None:
        found.append(("explanations", "Explanations"))
    if story.split_counts:
        found.append(("split", "Split"))
    if story.plan_choices:
        found.append(("plan", "Plan"))
    return [*found, ("origin", "The bundle")]


def _lede(story: TrainingStory) -> str:
    members = len(story.curves)
    who = f"{wording.spelled(members)} network{'' if members == 1 else 's'}" if members else "The model"
    train = next((part for part in story.split_counts if part.part == "training"), None)
    cases = f" from {wording.plural(train.cases, 'case')}" if train else ""
    return f"{who} learned{cases} of {story.dataset} in {wording.duration(story.seconds)}."


def _as_validation(sentence: str) -> str:
    """The verdict with a reminder of what validation figures are."""
    if not sentence:
        return ""
    return f"On the validation cases: {sentence[0].lower()}{sentence[1:]}"


def _facts(story: TrainingStory) -> list[Fact]:
    epochs = [len(curve.epoch) for curve in story.curves]
    facts = [Fact("Time", wording.duration(story.seconds), story.stopped)]
    if epochs:
        span = str(epochs[0]) if min(epochs) == max(epochs) else f"{min(epochs)}–{max(epochs)}"
        facts.append(Fact("Epochs", span, wording.plural(len(epochs), "member")))
    for part in story.split_counts[:2]:
        facts.append(Fact(part.part.capitalize(), wording.plural(part.cases, "case"), f"{part.patients} patients"))
    if story.model is not None:
        detail = f"version {story.model.version}, {wording.short_hash(story.model.sha256)}"
        facts.append(Fact("Model", story.model.name, detail))
    return facts


def _grouped(choices: tuple[Choice, ...]) -> list[tuple[str, list[Choice]]]:
    """The choices by the section their name begins with; those without one come first, under an empty name."""
    groups: dict[str, list[Choice]] = {"": []}
    for choice in choices:
        section, dot, name = choice.name.partition(".")
        groups.setdefault(section if dot else "", []).append(
            Choice(name if dot else choice.name, choice.value, choice.reason)
        )
    return [(section, members) for section, members in groups.items() if members]


def _origin(story: TrainingStory) -> list[Fact]:
    facts = []
    if story.model is not None:
        facts = [
            Fact("Model", story.model.name, f"version {story.model.version}"),
            Fact("SHA-256", story.model.sha256),
        ]
    if story.created:
        facts.append(Fact("Finished", wording.moment(story.created)))
    if story.machine:
        facts.append(Fact("Machine", story.machine))
    return facts
