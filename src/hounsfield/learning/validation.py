"""What a training measured on its validation cases, as evidence."""

from __future__ import annotations

import numpy as np

from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.measure import Origin, measure, measure_outlines, measure_places
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
    bundle, cases = trained.bundle, trained.val_cases
    plan, point = bundle.plan, bundle.operating
    origin = Origin(
        dataset=bundle.training.dataset,
        split="val",
        classes=plan.classes,
        attributes={case.id: case.grouping() for case in cases},
        model=bundle.identity,
        seconds=bundle.training.seconds,
        seed=seed,
        notes=tuple(filter(None, (note_on_choices(plan), note_on_ensemble(plan)))),
    )
    if point.landmarks is not None:
        landmarks, promised = plan.localization.landmarks, point.landmarks.coverage
        located = [point.landmarks.of(one, landmarks) for one in trained.val_located]
        return measure_places(located, origin, landmarks=landmarks, promised=promised)
    if trained.val_outlined:
        outlined = [one.result for one in trained.val_outlined]
        asked = plan.segmentation
        return measure_outlines(outlined, origin, labels=asked.labels, tolerance=asked.tolerance, surface=asked.surface)
    task = task_of(plan)
    targets, patients = np.array([case.target or 0 for case in cases]), [case.unit for case in cases]
    evidence = measure(
        results_of(cases, task.decode(point.apply(trained.val_logits))),
        origin,
        task=plan.task,
        threshold=point.threshold,
        threshold_from=point.threshold_from,
        held=by_others(trained.val_logits, targets, task, patients, plan.decision).held,
    )
    if point.findings is None:
        return evidence
    return point.findings.measured(evidence, plan, cases, trained.val_found, seed=seed)
