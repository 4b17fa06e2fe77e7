"""From a data set and a plan to a bundle: inputs, members, operating point, evidence."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.bundle import Bundle, OperatingPoint, TrainingRecord, digest_of, write_bundle
from hounsfield.datasets.case import Case, Dataset
from hounsfield.datasets.split import Split
from hounsfield.errors import PlanError
from hounsfield.evaluation.evidence import ImageResult, LocatedImage
from hounsfield.evaluation.threshold import require_rule
from hounsfield.learning.boxes import BoxLesson
from hounsfield.learning.candidates import AUTO
from hounsfield.learning.checkpoint import EpochRecord
from hounsfield.learning.choosing import choose_plan_and_split, require_network
from hounsfield.learning.finding_point import choose_finding_point
from hounsfield.learning.inputs import Inputs, prepare_inputs, sought_by
from hounsfield.learning.landmark_point import choose_landmark_point
from hounsfield.learning.lesions import prepare_lesions, require_lesions
from hounsfield.learning.lesson import Answers, Lesson, Outlined
from hounsfield.learning.lessons import lesson_of
from hounsfield.learning.masked import prepare_masked
from hounsfield.learning.members import fit_member
from hounsfield.learning.operating_point import choose_operating_point, validated
from hounsfield.learning.points import PointLesson
from hounsfield.learning.remember import remember
from hounsfield.learning.rounds import (
    Marks,
    Rounds,
    held_back_by,
    known_before,
    marks_of,
    member_cases,
    rounds_digest,
)
from hounsfield.learning.run import Run, cases_digest, open_run
from hounsfield.learning.start import Start, keep_start
from hounsfield.learning.supervised import Fitted, setup
from hounsfield.plan import Plan, inspect_machine, plan_to_text
from hounsfield.plan.network_input import require_views
from hounsfield.progress import say

MemberReport = Callable[[int, EpochRecord], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """What `train` gives."""

    bundle: Bundle
    members: tuple[Fitted, ...]
    val_cases: tuple[Case, ...]
    """Each validated once, by a network that had not seen its patient."""
    val_logits: FloatArray
    """(n, classes), of each as a whole, before calibration."""
    left_out: tuple[tuple[str, str], ...]
    """Cases that could not be read: id, and the reason as a sentence."""
    val_found: tuple[ImageResult, ...] = ()
    """What was found on each, with the scores that the networks gave; empty where nothing is looked for."""
    val_located: tuple[LocatedImage, ...] = ()
    """What was located on each, with the reach that the networks gave; empty where nothing is located."""
    val_outlined: tuple[Outlined, ...] = ()
    """What was outlined on each, and how well; empty where nothing is."""


def train(
    dataset: Dataset,
    out: Path,
    *,
    minutes: float = 10.0,
    seed: int = 0,
    network: str = AUTO,
    plan: Plan | None = None,
    split: Split | None = None,
    threshold: str | None = None,
    leaks: Sequence[str] = (),
    on_plan: Callable[[Plan, Split], None] = lambda plan, split: None,
    on_epoch: MemberReport = lambda member, record: None,
    on_written: Callable[[Trained], None] = lambda trained: None,
) -> Trained:
    """Split, plan, train all members, choose the operating point on the validation cases, and write the bundle.

    A call with the same arguments after a stop goes on where the last checkpoint was written.

    Args:
        dataset: The data; the test part of the split is not touched.
        out: The bundle's folder.
        minutes: Budget that a plan is made for; not used when `plan` is given.
        seed: Of the split and the plan; not used where these are given.
        network: As `choose_plan_and_split`; not used when `plan` is given.
        plan: Choices to be followed instead of new ones.
        split: A split to be used instead of a new one.
        threshold: Rule of the operating point, see `evaluation.threshold`; the plan's where not given.
        leaks: Why figures from these data are too good, a sentence each; the bundle says so.
        on_plan: Called once, before training, with what was chosen.
        on_epoch: Called after each epoch with the member's number.
        on_written: Called when the bundle is whole and before the run's folder is removed, so that what it adds to the
            bundle is made again after a stop.

    Raises:
        DatasetError, SplitError: The data cannot be learned from, or have none of the plan's views.
        PlanError: The plan is for other classes, or learns columns or boxes that the data do not have.
        UnknownNameError: There is no network of this name, or its weights are not at hand.
        WeightsError, BundleError: The weights that the plan starts from are not at hand, or do not fit.
        TrainingError: Too few cases can be read, or the loss is not a number.
        StorageError: The disk refused.
    """
    request = {
        "cases": cases_digest(dataset),
        "minutes": minutes,
        "seed": seed,
        "network": network,
        "plan": plan_to_text(plan) if plan else "",
        "split": split.sha256 if split else "",
        "threshold": threshold or "",
    }

    def choose(folder: Path) -> tuple[Plan, Split]:
        chosen = choose_plan_and_split(
            dataset, folder, minutes=minutes, seed=seed, network=network, plan=plan, split=split
        )
        keep_start(chosen[0], folder)
        return with_threshold(chosen[0], threshold), chosen[1]

    if plan is None:
        require_network(network)
    else:
        _require_fitting(plan, dataset)
    run = open_run(out, request, choose)
    on_plan(run.plan, run.split)
    trained = _train(dataset, run, out, leaks=leaks, on_epoch=on_epoch)
    on_written(trained)
    run.close()
    return trained


def with_threshold(plan: Plan, rule: str | None) -> Plan:
    """The plan with another rule for the threshold, where one is wished.

    Raises:
        UsageError: The rule is not known.
    """
    if rule is None:
        return plan
    return plan.model_copy(update={"decision": plan.decision.model_copy(update={"threshold": require_rule(rule)})})


def _require_fitting(plan: Plan, dataset: Dataset) -> None:
    _require_task(plan, dataset)
    if plan.classes != dataset.classes:
        raise PlanError(
            f"the plan is for the classes {', '.join(plan.classes)}, the data have {', '.join(dataset.classes)}; "
            "use a plan made for these data, or name its classes as they do"
        )
    _require_auxiliary(plan, dataset)
    require_lesions(plan, dataset)
    require_views(dataset.views, plan.input, of=dataset.name)
    if tuple(dataset.channels) != plan.input.channel_names:
        raise PlanError(
            f"the plan is for {_channel_words(plan.input.channel_names)}, and {dataset.name} has "
            f"{_channel_words(tuple(dataset.channels))}; use a plan made for these data, or name the channels alike "
            "and in the same order"
        )


def _channel_words(names: tuple[str, ...]) -> str:
    return f"the channels {', '.join(names)}" if names else "one image a case"


def _require_task(plan: Plan, dataset: Dataset) -> None:
    asked = "segmentation" if dataset.labels else "localization" if dataset.landmarks else "classification"
    asked = "detection" if dataset.kinds else asked
    if plan.task != asked:
        raise PlanError(f"the plan is for a {plan.task}, and a {asked} was asked for: give --task {plan.task} with it")
    if unknown := [name for name in dataset.kinds if name not in plan.detection.kinds]:
        raise PlanError(
            f"the plan finds {', '.join(plan.detection.kinds)}, and {dataset.name} has boxes of {', '.join(unknown)}; "
            "use a plan made for these data, or name its boxes as they do"
        )
    if absent := [name for name in plan.detection.kinds if dataset.kinds and name not in dataset.kinds]:
        say(
            f"warning: the plan finds {', '.join(plan.detection.kinds)}, and no box of {dataset.name} is labelled "
            f"{' or '.join(absent)}: what that looks like is not learned"
        )
    labels = plan.segmentation.by_name
    if dataset.labels and (labels, plan.segmentation.unlabelled) != (dict(dataset.labels), dataset.unlabelled):
        raise PlanError(
            f"the plan outlines {', '.join(labels)}, and {dataset.name} has the labels {', '.join(dataset.labels)}, or "
            "other numbers for them; use a plan made for these data, or name its labels as they do"
        )
    if dataset.landmarks and plan.localization.landmarks != dataset.landmarks:
        raise PlanError(
            f"the plan locates {', '.join(plan.localization.landmarks)}, and {dataset.name} has the landmarks "
            f"{', '.join(dataset.landmarks)}; use a plan made for these data, or name its landmarks as they do"
        )


def _require_auxiliary(plan: Plan, dataset: Dataset) -> None:
    absent = [column.name for column in plan.auxiliary.columns if column.name not in dataset.auxiliary]
    if absent:
        raise PlanError(
            f"the plan learns the auxiliary columns {', '.join(absent)}, which {dataset.name} does not name: add them "
            "to [columns] auxiliary of its description, or take them out of the plan"
        )


def _train(dataset: Dataset, run: Run, out: Path, *, leaks: Sequence[str], on_epoch: MemberReport) -> Trained:
    plan, split = run.plan, run.split
    cases = [case for case in dataset.cases if split.parts.get(case.id) in ("train", "val") and case.target is not None]
    start, marks = keep_start(plan, run.folder), marks_of(cases, dataset.name)
    rounds_of_cases = member_cases(dataset, plan, split, [case.id for case in cases], start=start, marks=marks)
    inputs = _prepared(dataset, cases, plan, run.folder)
    lesson = lesson_of(plan, inputs)
    lesions = prepare_lesions(dataset, cases, plan, run.folder)
    learned_from = inputs.key + (lesions.key if lesions else "")
    run.begin_anew_unless(learned_from + start.sha256 + rounds_digest(rounds_of_cases))
    rounds = [(inputs.rows(learned), inputs.rows(validated)) for learned, validated in rounds_of_cases]
    for learned_rows, validated_rows in rounds:
        lesson.require_enough(learned_rows, validated_rows)
    fitted: list[Fitted] = []
    for member, (train_rows, val_rows) in enumerate(rounds):
        checkpoint = run.folder / f"member-{member}.safetensors"
        result = fit_member(
            plan,
            lesson,
            train_rows=train_rows,
            val_rows=val_rows,
            member=member,
            checkpoint=checkpoint,
            lesions=lesions,
            on_epoch=functools.partial(on_epoch, member),
        )
        fitted.append(result)
    networks = (_network(plan, result.weights, member=member) for member, result in enumerate(fitted))
    val_rows, answer = lesson.together(plan, networks, [rows for _, rows in rounds])
    val_cases = tuple(inputs.cases[row] for row in val_rows)
    found = lesson.results(plan, val_rows, answer.found) if isinstance(lesson, BoxLesson) else ()
    placed = lesson.results(plan, val_rows, answer.logits) if isinstance(lesson, PointLesson) else ()
    if placed or answer.outlined:
        operating = _without_answer(plan, placed)
    else:
        operating = _operating(plan, lesson, val_rows, answer, found)
    record = _record(dataset, inputs, fitted, rounds_of_cases, plan, start, marks)
    told = tuple(f"Figures are too good: {leak}." for leak in leaks)
    record = replace(record, warnings=(*told, *record.warnings))
    weights = [result.weights for result in fitted]
    remembered = remember(inputs, plan, _network(plan, weights[0], member=0))
    bundle = write_bundle(
        out, plan=plan, members=weights, operating=operating, training=record, split=split, remembered=remembered
    )
    return Trained(
        bundle, tuple(fitted), val_cases, answer.logits, inputs.failed, found, placed, val_outlined=answer.outlined
    )


def _prepared(dataset: Dataset, cases: Sequence[Case], plan: Plan, folder: Path) -> Inputs:
    """The cases as the network is shown them, with what is learned of them."""
    threads = plan.optimisation.threads
    if plan.task == "segmentation":
        return prepare_masked(dataset, cases, plan, folder, threads=threads)
    return prepare_inputs(dataset, cases, plan.input, folder, threads=threads, sought=sought_by(plan))


def _without_answer(plan: Plan, placed: Sequence[LocatedImage]) -> OperatingPoint:
    """Nothing is said of images as a whole; of landmarks, within which radius they lie."""
    nothing = OperatingPoint(0.5, "nothing is asked of images as a whole")
    if not placed:
        return nothing
    point = choose_landmark_point(
        placed,
        plan.localization.landmarks,
        coverage=plan.decision.coverage,
        where=validated(plan.ensemble.folds),
    )
    return replace(nothing, landmarks=point)


def _operating(
    plan: Plan, lesson: Lesson, rows: IntArray, answer: Answers, found: Sequence[ImageResult]
) -> OperatingPoint:
    """How answers become probabilities and calls: of cases as a whole, and of what was found on them."""
    inputs, where = lesson.inputs, validated(plan.ensemble.folds)
    point = choose_operating_point(
        answer.logits,
        inputs.targets[rows],
        lesson.task,
        where=where,
        patients=[inputs.cases[row].unit for row in rows],
        decision=plan.decision,
    )
    return replace(point, findings=choose_finding_point(found, plan.detection, where=where)) if found else point


def _record(
    dataset: Dataset,
    inputs: Inputs,
    fitted: Sequence[Fitted],
    rounds: Rounds,
    plan: Plan,
    start: Start,
    marks: Marks,
) -> TrainingRecord:
    """What the bundle says of where it comes from."""
    patients = {case.id: case.patient for case in inputs.cases}
    seen = frozenset().union(*(marks[patient] for patient in patients.values()))
    names = {digest_of(case, dataset.name) for case in inputs.cases}
    held_back = held_back_by(rounds, plan, start, marks, patients)
    sides, film_side = _scales(inputs.cases)
    return TrainingRecord(
        dataset=dataset.name,
        cases=len(patients),
        patients=len(names),
        members=len(fitted),
        seconds=sum(epoch.seconds for result in fitted for epoch in (*result.before, *result.history)),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=inspect_machine().name,
        stopped=", ".join(sorted({result.stopped for result in fitted})),
        seen_patients=tuple(sorted(start.seen.patients | seen & names)),
        seen_images=tuple(sorted(start.seen.images | seen - names)),
        held_back=tuple(tuple(sorted(own)) for own in held_back),
        input_sides=sides,
        film_side=film_side,
        patients_known=dataset.patients_known,
        warnings=(*_warnings(inputs), *known_before(rounds, plan, start, marks, patients)),
    )


def _warnings(inputs: Inputs) -> tuple[str, ...]:
    if not inputs.failed:
        return ()
    count = len(inputs.failed) + len(inputs.cases)
    return (f"{len(inputs.failed)} of {count} cases could not be read and were left out of the training.",)


def _network(plan: Plan, weights: dict[str, Tensor], *, member: int) -> nn.Module:
    network = setup(plan, member=member, learned=True).network
    network.load_state_dict(weights)
    return network


def _scales(cases: tuple[Case, ...]) -> tuple[tuple[float, float] | None, int | None]:
    """`input_sides` and `film_side` of a record; None for whole images."""
    from hounsfield import formats
    from hounsfield.datasets.load import crop_side

    refs = [ref for case in cases for ref in case.images.values() if ref.crop is not None]
    if not refs:
        return None, None
    longest = {path: max(formats.header(path).shape) for path in {ref.path for ref in refs}}
    shares = [crop_side(ref.crop) / longest[ref.path] for ref in refs if ref.crop is not None]
    sides = float(np.median(shares)), float(np.percentile(shares, 95))
    return sides, round(float(np.median(list(longest.values()))))
