"""What a training measured on its validation cases, as evidence."""

from __future__ import annotations

import numpy as np

from hounsfield.bundle import LandmarkPoint
from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.measure import measure, measure_outlines, measure_places
from hounsfield.evaluation.predictions import results_of
from hounsfield.learning.operating_point import by_others
from hounsfield.learning.train import Trained
from hounsfield.plan.choices import note_on_choices, note_on_ensemble
from hounsfield.plan.task import task_of


def validation_evidence(trained: Trained, *, seed: int = 0) -> Evidence:
    """Scores on the validation cases, each read by a network that had not seen its patient.

    The threshold, the calibration and more were chosen on these same cases, so the figures are a little too good; a
    note in the evidence says what was. Conformal sets are measured on patients that their limits were not chosen on.
    """
    bundle = trained.bundle
    if bundle.operating.landmarks is not None:
        return _of_landmarks(trained, bundle.operating.landmarks, seed=seed)
    if trained.val_outlined:
        return _of_labels(trained, seed=seed)
    task = task_of(bundle.plan)
    probabilities = task.decode(bundle.operating.apply(trained.val_logits))
    targets = np.array([case.target or 0 for case in trained.val_cases])
    patients = [case.unit for case in trained.val_cases]
    evidence = measure(
        results_of(trained.val_cases, probabilities),
        task=bundle.plan.task,
        dataset=bundle.training.dataset,
        split="val",
        classes=bundle.plan.classes,
        threshold=bundle.operating.threshold,
        threshold_from=bundle.operating.threshold_from,
        attributes={case.id: case.grouping() for case in trained.val_cases},
        model=bundle.identity,
        seconds=bundle.training.seconds,
        seed=seed,
        notes=tuple(filter(None, (note_on_choices(bundle.plan), note_on_ensemble(bundle.plan)))),
        held=by_others(trained.val_logits, targets, task, patients, bundle.plan.decision).held,
    )
    point = bundle.operating.findings
    if point is None:
        return evidence
    return point.measured(evidence, bundle.plan, trained.val_cases, trained.val_found, seed=seed)


def _of_landmarks(trained: Trained, point: LandmarkPoint, *, seed: int) -> Evidence:
    """How near the landmarks of the validation cases were located."""
    plan = trained.bundle.plan
    landmarks = plan.localization.landmarks
    return measure_places(
        [point.of(one, landmarks) for one in trained.val_located],
        dataset=trained.bundle.training.dataset,
        split="val",
        classes=plan.classes,
        landmarks=landmarks,
        promised=point.coverage,
        attributes={case.id: case.grouping() for case in trained.val_cases},
        model=trained.bundle.identity,
        seconds=trained.bundle.training.seconds,
        seed=seed,
        notes=tuple(filter(None, (note_on_choices(plan), note_on_ensemble(plan)))),
    )


def _of_labels(trained: Trained, *, seed: int) -> Evidence:
    """How well the labels of the validation cases were outlined."""
    plan = trained.bundle.plan
    return measure_outlines(
        [one.result for one in trained.val_outlined],
        dataset=trained.bundle.training.dataset,
        split="val",
        classes=plan.classes,
        labels=plan.segmentation.labels,
        tolerance=plan.segmentation.tolerance,
        attributes={case.id: case.grouping() for case in trained.val_cases},
        model=trained.bundle.identity,
        seconds=trained.bundle.training.seconds,
        seed=seed,
        notes=tuple(filter(None, (note_on_choices(plan), note_on_ensemble(plan)))),
    )
