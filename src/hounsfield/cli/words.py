"""What several verbs say: a data set opened with its problems, scores as a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hounsfield.progress import say

if TYPE_CHECKING:
    from hounsfield.datasets.case import Dataset
    from hounsfield.datasets.split import Split
    from hounsfield.evaluation.evidence import DetectionEvidence, Evidence, LocalizationEvidence, SegmentationEvidence
    from hounsfield.reading.batch import Failure


_PAIRS_A_MINUTE = 500
"""Pairs of pictures looked at closely for turned copies, for each minute of a training: with one minute the audit of
504 ultrasound images took 13 s, with ten 19 s; that of 1,231 films 26 s."""


def checked_dataset(path: Path, root: Path | None, *, task: str = "classification") -> Dataset:
    """The data set at `path`, its notes and problems said on stderr.

    Raises:
        DatasetError: It cannot be opened, or nothing can be learned from it.
    """
    from hounsfield.datasets import open_dataset
    from hounsfield.datasets.check import check_dataset
    from hounsfield.datasets.detection import for_detection
    from hounsfield.datasets.localization import for_localization
    from hounsfield.datasets.segmentation import for_segmentation
    from hounsfield.errors import DatasetError

    dataset = open_dataset(path, root=root)
    if task == "detection":
        dataset = for_detection(dataset)
    if task == "localization":
        dataset = for_localization(dataset)
    if task == "segmentation":
        dataset = for_segmentation(dataset)
    for note in dataset.notes:
        say(f"note: {note}")
    problems = check_dataset(dataset, to_classify=task == "classification")
    refused = [problem.text for problem in problems if problem.severity == "refuse"]
    if refused:
        raise DatasetError(f"{dataset.name}: " + "; ".join(refused))
    for problem in problems:
        say(f"warning: {problem.text}")
    return dataset


def audited(
    dataset: Dataset, *, split: Split | None, minutes: float, allow_leak: bool
) -> tuple[Dataset, tuple[str, ...]]:
    """The data set with patients who share an exposure kept together, and for which leaks it should be refused.

    Where the data's makers have put some of them into train and some into val, all go to train.

    Args:
        dataset: The cases.
        split: To be used, where one was given.
        minutes: Of the training; the audit takes a small part of as many.
        allow_leak: Whether a leak is a warning.

    Raises:
        DatasetError: Figures from these data would be too good.
    """
    from hounsfield.datasets.audit import audit_dataset, kept_together, validation_mended, with_parts_of
    from hounsfield.datasets.audit.moved import MOST_PAIRS
    from hounsfield.errors import DatasetError

    pairs = int(minutes * _PAIRS_A_MINUTE)
    audit = audit_dataset(dataset, parts=split.parts if split else None, most_pairs=min(MOST_PAIRS, pairs))
    dataset = kept_together(dataset, audit.groups)
    if split is None:
        dataset, moved = validation_mended(dataset)
        if moved:
            say(f"warning: {moved} validation cases show an exposure, or a patient, of the training part: moved there")
            audit = with_parts_of(audit, dataset)
    if audit.leaks and not allow_leak:
        raise DatasetError(
            f"{dataset.name}: {'; '.join(audit.leaks)}: figures would be too good. hounsfield inspect shows which; "
            "move them to one part or leave them out, or give --allow-leak, and the bundle will say so for ever"
        )
    for reason in audit.reasons:
        say(f"warning: {reason}")
    return dataset, audit.leaks


def say_not_read(failures: Iterable[Failure]) -> None:
    """Which images could not be read and why, a line each on stderr."""
    for failure in failures:
        named = failure.reason.startswith((f"{failure.path}:", f"{failure.path} "))
        say(f"not read: {failure.reason}" if named else f"not read: {failure.path}: {failure.reason}")


def print_scores(evidence: Evidence) -> None:
    """The scores with their intervals, as a table on stdout."""
    from hounsfield.reporting.score_words import label, ordered

    print(f"{evidence.dataset}, {evidence.split}: {evidence.cases} cases of {evidence.patients} patients")
    if evidence.localization is not None:
        print_localization(evidence.localization)
        return
    if evidence.segmentation is not None:
        print_segmentation(evidence.segmentation)
        return
    if evidence.detection is not None:
        print_detection(evidence.detection)
        print("images as a whole")
    print(f"{'score':<18}{'value':>7}   95 % interval")
    for name in ordered(list(evidence.scores)):
        score = evidence.scores[name]
        print(f"{label(name):<18}{score.value:>7.3f}   {score.low:.3f} to {score.high:.3f}")
    if len(evidence.classes) == 2:
        print(f"threshold {evidence.threshold:.3f}: {evidence.threshold_from}")


def print_detection(detection: DetectionEvidence) -> None:
    """How many lesions are found at which price, as a table on stdout."""
    from hounsfield.evaluation.detection import OF_KINDS, OVERLAPS
    from hounsfield.evaluation.froc import RATES
    from hounsfield.reporting.detection_part import at_threshold

    counts = ", ".join(f"{n} {name}" for n, name in zip(detection.lesions, detection.kinds, strict=True))
    if any(detection.lesions):
        print(f"lesions: {counts}; a hit is {detection.rule}")
        print(f"{'false alarms':<18}{'found':>7}   95 % interval")
    rows = [(f"{rate:g} an image", f"sensitivity_at_{rate:g}") for rate in RATES]
    rows.append(("mean of these", "mean_sensitivity"))
    rows += [(f"AP at IoU {least:g}", f"average_precision_{round(100 * least)}") for least in OVERLAPS]
    rows += [
        (f"AP {name}, {OF_KINDS:g}", f"average_precision_{name}_{round(100 * OF_KINDS)}") for name in detection.kinds
    ]
    for label, name in rows:
        if name in detection.scores:
            score = detection.scores[name]
            print(f"{label:<18}{score.value:>7.3f}   {score.low:.3f} to {score.high:.3f}")
    print(f"shown from a score of {detection.threshold:.3f} on: {detection.threshold_from}")
    print(at_threshold(detection) or "how many false alarms that are is not known from these images")


def print_segmentation(found: SegmentationEvidence) -> None:
    """How well labels are outlined, as a table on stdout."""
    from hounsfield.reporting.segmentation_part import columns_of, of_instances, shown_labels

    first, *others = columns_of(found)
    edges = " of edge voxels" if found.surface == "edge voxels" else ""
    measured = f"distances in {found.unit} between surfaces{edges}; surface Dice within {found.tolerance:g}"
    print("objects one by one; AP: average precision, IoU .5 to .95" if of_instances(found) else measured)
    heads = "".join(f"{column.short:>8}" for column in others)
    print(f"{'label':<18}{'images':>7}{first.short:>7}   {'95 % interval':<16}{heads}")
    for one in shown_labels(found):
        head = one.scores[first.score]
        scores = [one.scores.get(column.score) for column in others]
        cells = "".join("       –" if score is None else f"{score.value:>8.3f}" for score in scores)
        print(f"{one.name:<18}{one.images:>7}{head.value:>7.3f}   {f'{head.low:.3f} to {head.high:.3f}':<16}{cells}")


def print_localization(found: LocalizationEvidence) -> None:
    """How near landmarks are located, as a table on stdout."""
    print(f"errors in {found.unit}; within: share of the landmarks")
    print(
        f"{'landmark':<18}{'images':>7}{'median':>8}   {'95 % interval':<16}{'90 %':>7}{'within 3':>10}{'within 6':>10}"
    )
    for one in found.landmarks:
        median = one.scores["median"]
        interval = f"{median.low:.2f} to {median.high:.2f}"
        print(
            f"{one.name:<18}{one.images:>7}{median.value:>8.2f}   {interval:<16}{one.scores['p90'].value:>7.2f}"
            f"{one.scores['within_3'].value:>10.3f}{one.scores['within_6'].value:>10.3f}"
        )
    inside = found.landmarks[0].scores.get("in_radius")
    if inside is not None:
        print(
            f"within the radius that is said, promised {found.promised:.0%}: {inside.value:.3f}, "
            f"{inside.low:.3f} to {inside.high:.3f}"
        )


def say_notes(evidence: Evidence) -> None:
    """What a reader of the scores must know, on stderr."""
    for note in evidence.notes:
        say(f"note: {note}")
