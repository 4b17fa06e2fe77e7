"""The same networks at another place: calibration, threshold and limits chosen anew on local cases.

What a network says of a case changes from scanner to scanner, and how many of those who come are ill from house to
house. The networks stay as they are; a hundred cases are enough to set what is made of their answers.

Reference:
    Steyerberg et al., "Validation and updating of predictive logistic regression models" (2004),
    doi:10.1002/sim.1844.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import Bundle, FindingPoint, OperatingPoint, digest_of, write_recalibrated
from hounsfield.datasets.case import Case
from hounsfield.datasets.digest import case_digests
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import Evidence, ImageResult
from hounsfield.evaluation.measure import Origin, measure
from hounsfield.evaluation.predictions import results_of
from hounsfield.evaluation.sets import Held
from hounsfield.learning.finding_point import choose_finding_point
from hounsfield.learning.operating_point import FEWEST_TO_CALIBRATE, by_others, choose_operating_point
from hounsfield.plan import Decision
from hounsfield.plan.task import task_of

FEWEST = 30
"""Cases below which nothing is recalibrated …"""

FEWEST_OF_A_CLASS = 10
"""… and patients of each class: a threshold from fewer is worse than the one that is there, as likely as not."""


@dataclass(frozen=True)
class Recalibrated:
    """A bundle for another place."""

    bundle: Bundle
    before: Evidence
    """What the operating point that was there does on the local cases."""
    after: Evidence
    """What the new one does, each case answered by calibration and limits chosen on other patients."""


def require_enough_cases(cases: Sequence[Case], classes: Sequence[str], name: str) -> None:
    """Accept cases that an operating point can be chosen on.

    Raises:
        EvaluationError: They are too few, or of one class.
    """
    patients = [len({case.unit for case in cases if case.target == number}) for number in range(len(classes))]
    found = ", ".join(f"{count} {label}" for count, label in zip(patients, classes, strict=True))
    if len(cases) < FEWEST or min(patients) < FEWEST_OF_A_CLASS:
        raise EvaluationError(
            f"{name} has {len(cases)} cases to recalibrate on, patients by class: {found}; at least {FEWEST} cases are "
            f"needed, and {FEWEST_OF_A_CLASS} patients of each class: from fewer the answers would get worse as easily "
            "as better. Label more, 50 to 200 are good"
        )


def recalibrate(
    bundle: Bundle,
    cases: Sequence[Case],
    logits: FloatArray,
    out: Path,
    *,
    name: str,
    rule: str | None = None,
    seconds: float = 0.0,
    seed: int = 0,
    notes: Sequence[str] = (),
    found: Sequence[ImageResult] = (),
) -> Recalibrated:
    """Write a bundle of the same networks with calibration, threshold and conformal limits from other cases.

    With fewer than 20 cases of a class the earlier calibration is kept and only shifted to how many there are.

    Args:
        bundle: Whose networks are taken.
        cases: Labelled, of patients that the model has not seen.
        logits: (n, outputs), what its networks say of them.
        out: The new bundle's folder.
        name: Of the data set.
        rule: Of the threshold; the plan's where not given.
        seconds: That reading them took.
        seed: Of the bootstrap.
        notes: What a reader of the figures must know.
        found: What its networks find on them, with the scores they gave; from when on findings are shown is chosen anew
            where there are lesions enough, and stays as it was elsewhere.

    Raises:
        EvaluationError: The cases are too few, or of one class, or the model does not rank them.
        StorageError: The disk refused, or something that is no bundle is at `out`.
    """
    plan, task = bundle.plan, task_of(bundle.plan)
    require_enough_cases(cases, plan.classes, name)
    targets = np.array([case.target or 0 for case in cases])
    patients = [case.unit for case in cases]
    _require_rank(bundle, logits, targets, name)
    shift_only = int(np.bincount(targets, minlength=task.outputs).min()) < FEWEST_TO_CALIBRATE
    decision = plan.decision.model_copy(update={"threshold": rule}) if rule else plan.decision
    where = f"{len(cases)} cases of {name}"
    operating = choose_operating_point(
        logits,
        targets,
        task,
        where=where,
        patients=patients,
        decision=decision,
        begin=bundle.operating,
        shift_only=shift_only,
    )
    operating = replace(operating, findings=_finding_point(bundle, found, where))
    earlier = task.decode(bundle.operating.apply(logits))
    origin = Origin(
        dataset=name,
        split="recalibration",
        classes=plan.classes,
        attributes={case.id: case.grouping() for case in cases},
        model=bundle.identity,
        seconds=seconds,
        seed=seed,
        notes=tuple(notes),
    )
    before = _measured(bundle, cases, earlier, bundle.operating.sets(earlier), origin, found)
    written = _written(bundle, out, operating, cases, targets, name, decision)
    new = by_others(logits, targets, task, patients, decision, begin=bundle.operating, shift_only=shift_only)
    told = (*notes, *_words(before, targets, shift_only=shift_only))
    of_new = replace(origin, model=written.identity, notes=told)
    after = _measured(written, cases, new.probabilities, new.held, of_new, found)
    return Recalibrated(written, before, after)


def _finding_point(bundle: Bundle, found: Sequence[ImageResult], where: str) -> FindingPoint | None:
    """Chosen on these images where they have lesions enough; else as it was."""
    with_lesions = {one.patient for one in found if one.truths}
    if bundle.operating.findings is None or len(with_lesions) < FEWEST_OF_A_CLASS:
        return bundle.operating.findings
    return choose_finding_point(found, bundle.plan.detection, where=where, begin=bundle.operating.findings)


def _written(
    bundle: Bundle,
    out: Path,
    operating: OperatingPoint,
    cases: Sequence[Case],
    targets: IntArray,
    name: str,
    decision: Decision,
) -> Bundle:
    patients = {case.patient for case in cases}
    own = {digest_of(case, name) for case in cases}
    images = set().union(*case_digests(cases))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    training = replace(
        bundle.training,
        recalibrated=(f"{bundle.training.recalibrated}; then " if bundle.training.recalibrated else "")
        + f"on {len(targets)} cases of {len(patients)} patients of {name}, {today}",
        seen_patients=tuple(sorted({*bundle.training.seen_patients, *own})),
        seen_images=tuple(sorted({*bundle.training.seen_images, *images})),
    )
    return write_recalibrated(bundle, out, operating=operating, training=training, decision=decision)


def _require_rank(bundle: Bundle, logits: FloatArray, targets: IntArray, name: str) -> None:
    area = task_of(bundle.plan).validation_score(bundle.operating.apply(logits), targets)
    if area <= 0.5:
        raise EvaluationError(
            f"{bundle.identity.name} ranks the cases of {name} no better than chance (AUC {area:.2f}): no threshold "
            "makes that right. It cannot be used there; train with local cases, or look whether labels mean the same"
        )


def _words(before: Evidence, targets: IntArray, *, shift_only: bool) -> list[str]:
    """What was kept, what the earlier operating point did on the same cases, and what the new one rests on."""
    wanted = (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("ece", "calibration error"))
    scores = [f"{label} {before.scores[name].value:.3f}" for name, label in wanted if name in before.scores]
    words = [f"Before, with the threshold {before.threshold:.3f} on the same cases: {', '.join(scores)}."]
    if shift_only:
        kept = "only shifted to how many positive cases there are" if len(before.classes) == 2 else "left as it was"
        words.append(
            f"Fewer than {FEWEST_TO_CALIBRATE} cases of a class: the earlier calibration was kept, and {kept}."
        )
    shares = ", ".join(f"{np.mean(targets == number):.0%} {label}" for number, label in enumerate(before.classes))
    return [
        *words,
        "Probabilities and sets of each case come from a calibration and limits chosen on other patients; the "
        "threshold was chosen on these very cases, so sensitivity and specificity are a little too good.",
        f"Probabilities are right where those who come are as these cases are: {shares}. Cases picked by hand are not: "
        "take all of some weeks.",
    ]


def _measured(
    bundle: Bundle,
    cases: Sequence[Case],
    probabilities: FloatArray,
    held: Held | None,
    origin: Origin,
    found: Sequence[ImageResult],
) -> Evidence:
    """What the bundle's operating point does on the cases; `found` with the scores that the networks gave."""
    point = bundle.operating
    evidence = measure(
        results_of(cases, probabilities),
        origin,
        task=bundle.plan.task,
        threshold=point.threshold,
        threshold_from=point.threshold_from,
        held=held,
    )
    if point.findings is None:
        return evidence
    return point.findings.measured(evidence, bundle.plan, cases, found, seed=origin.seed)
