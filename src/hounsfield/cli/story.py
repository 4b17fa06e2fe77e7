"""A training as the report tells it."""

from __future__ import annotations

from hounsfield.datasets.case import Dataset
from hounsfield.datasets.split import read_split
from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.explanations import Explanations
from hounsfield.learning.train import Trained
from hounsfield.plan.choose import explain_plan
from hounsfield.plan.task import CURVE_SCORES
from hounsfield.reporting.charts.learning_curves import LearningCurve
from hounsfield.reporting.split_table import count_parts
from hounsfield.reporting.training_report import BundleFile, Choice, TrainingStory

_PURPOSES = {
    "plan.toml": "every choice of the run; edit it and give it back with --plan",
    "weights.safetensors": "what was learned",
    "split.json": "which cases were trained on, validated on and kept apart",
    "evidence.json": "the figures of this page, for machines",
    "likeness.safetensors": "how the training images look, to tell what is unlike them",
    "examples.safetensors": "small pictures of training images, to show which ones an answer is like",
    "explanations.json": "which methods of explanation passed their tests",
    "card.md": "what the model is for, what was measured, and the items of CLAIM 2024 and TRIPOD+AI",
    "card.html": "the same as a page",
}


def training_story(
    trained: Trained, dataset: Dataset, evidence: Evidence, command: str, explanations: Explanations | None = None
) -> TrainingStory:
    """What the training page shows."""
    bundle = trained.bundle
    curves = tuple(
        LearningCurve(
            member=f"network {number}" if len(trained.members) > 1 else "",
            epoch=tuple(record.epoch for record in member.history),
            train_loss=tuple(record.train_loss for record in member.history),
            val_loss=tuple(record.val_loss for record in member.history),
            val_score=tuple(record.val_score for record in member.history),
            kept=member.best_epoch,
        )
        for number, member in enumerate(trained.members, start=1)
    )
    return TrainingStory(
        name=bundle.identity.name,
        dataset=dataset.name,
        classes=dataset.classes,
        plan_choices=tuple(Choice(*row) for row in explain_plan(bundle.plan)),
        curves=curves,
        evidence=evidence,
        split_counts=count_parts(dataset, read_split(bundle.folder / "split.json")),
        seconds=bundle.training.seconds,
        stopped=bundle.training.stopped,
        notes=bundle.training.warnings,
        command=command,
        model=bundle.identity,
        explanations=explanations,
        score=CURVE_SCORES[bundle.plan.task],
        files=tuple(BundleFile(name, purpose) for name, purpose in _PURPOSES.items()),
        machine=bundle.training.machine,
        created=bundle.training.created,
    )
