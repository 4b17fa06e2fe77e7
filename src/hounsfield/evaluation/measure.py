"""From predictions to `Evidence`: scores with intervals, curves, subgroups and what a reader of them must know."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.attainable import attainable_of
from hounsfield.evaluation.bootstrap import RESAMPLES
from hounsfield.evaluation.classification import confusion
from hounsfield.evaluation.curves import curves_of
from hounsfield.evaluation.evidence import CaseResult, Evidence, LocatedImage, OutlinedImage
from hounsfield.evaluation.localization import measure_localization
from hounsfield.evaluation.measured import measured_scores
from hounsfield.evaluation.predictions import Predictions, predictions_from
from hounsfield.evaluation.segmentation import measure_segmentation
from hounsfield.evaluation.sets import Held, measured_sets
from hounsfield.evaluation.subgroups import subgroups_of
from hounsfield.findings.model import ModelIdentity

_PACKAGES = ("hounsfield", "numpy", "scipy", "torch")
"""Packages whose versions the figures may depend on."""


def measure(
    results: Sequence[CaseResult],
    *,
    task: str,
    dataset: str,
    split: str,
    classes: Sequence[str],
    threshold: float,
    threshold_from: str,
    attributes: Mapping[str, Mapping[str, str]],
    model: ModelIdentity,
    seconds: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    notes: Sequence[str] = (),
    held: Held | None = None,
) -> Evidence:
    """The evidence of a classification.

    A score that cannot be computed (the AUC of one class) is absent, and a note says why.

    Args:
        results: One per case, n > 0; the order changes nothing but the order in the file.
        task: Name of the task, "classification".
        dataset: Name of the data set.
        split: "test", "val", "external" …
        classes: Class names; of two the second is the positive one.
        threshold: Operating point, chosen on validation data. With more than two classes it is not used and becomes
            0.5: the largest probability decides.
        threshold_from: On which cases and by which rule it was chosen.
        attributes: Case id to attribute to value, for subgroups; may be empty.
        model: What was measured.
        seconds: Wall time of reading the cases; the time of measuring them is not added.
        resamples: Bootstrap draws behind the intervals.
        seed: Of the draws.
        notes: Sentences to put before this function's own.
        held: The conformal sets of the results; None where there are none.

    Raises:
        EvaluationError: There are no results, or they contradict each other; see `predictions_from`.
    """
    if resamples < 1:
        raise EvaluationError(f"intervals need at least one bootstrap draw, not {resamples}; {RESAMPLES} is usual")
    if len(classes) > 2:
        threshold = 0.5
    predictions = predictions_from(results, classes=classes, threshold=threshold)
    measured = measured_scores(predictions, classes=classes, resamples=resamples, seed=seed)
    draws = {"resamples": resamples, "seed": seed}
    subgroups, passed_over = subgroups_of(
        predictions, [result.case for result in results], classes=classes, attributes=attributes, **draws
    )
    two = len(classes) == 2 and len(np.unique(predictions.target)) == 2
    return Evidence(
        task=task,
        dataset=dataset,
        split=split,
        cases=predictions.cases,
        patients=predictions.patients,
        classes=tuple(classes),
        class_counts=tuple(np.bincount(predictions.target, minlength=len(classes)).tolist()),
        threshold=predictions.threshold,
        threshold_from=threshold_from,
        scores=measured.scores,
        confusion=_table(predictions),
        curves=curves_of(predictions, classes=classes, **draws),
        subgroups=subgroups,
        results=tuple(results),
        model=model,
        seconds=float(seconds),
        resamples=resamples,
        notes=(*notes, *measured.notes, *passed_over),
        attainable=attainable_of(predictions, **draws) if two else (),
        sets=measured_sets(predictions, held, classes=classes, **draws) if held else None,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
    )


def measure_places(
    results: Sequence[LocatedImage],
    *,
    dataset: str,
    split: str,
    classes: Sequence[str],
    landmarks: Sequence[str],
    promised: float,
    attributes: Mapping[str, Mapping[str, str]],
    model: ModelIdentity,
    seconds: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Evidence:
    """The evidence of a localization, which says nothing of images as a whole.

    Args:
        results: One an image.
        landmarks: That were located.
        promised: Share of them that lie within their radius; 0 where none is said.

    The other arguments are those of `measure`.

    Raises:
        EvaluationError: As `measure_localization`.
    """
    found = measure_localization(
        results, landmarks=landmarks, promised=promised, attributes=attributes, resamples=resamples, seed=seed
    )
    whole = _nothing_of_the_whole(dataset, split, classes, model, seconds, resamples, (*notes, *found.notes))
    return replace(whole, task="localization", localization=found, **_counts_of(results))


def measure_outlines(
    results: Sequence[OutlinedImage],
    *,
    dataset: str,
    split: str,
    classes: Sequence[str],
    labels: Sequence[str],
    tolerance: float,
    attributes: Mapping[str, Mapping[str, str]],
    model: ModelIdentity,
    seconds: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Evidence:
    """The evidence of a segmentation, which says nothing of images as a whole.

    Args:
        results: One an image.
        labels: That were outlined.
        tolerance: Of the surface Dice.

    The other arguments are those of `measure`.

    Raises:
        EvaluationError: As `measure_segmentation`.
    """
    found = measure_segmentation(
        results, labels=labels, tolerance=tolerance, attributes=attributes, resamples=resamples, seed=seed
    )
    whole = _nothing_of_the_whole(dataset, split, classes, model, seconds, resamples, (*notes, *found.notes))
    return replace(whole, task="segmentation", segmentation=found, **_counts_of(results))


def _counts_of(results: Sequence[LocatedImage] | Sequence[OutlinedImage]) -> dict[str, Any]:
    patients = len({one.patient for one in results})
    return {"cases": len(results), "patients": patients, "class_counts": (len(results),)}


def _nothing_of_the_whole(
    dataset: str,
    split: str,
    classes: Sequence[str],
    model: ModelIdentity,
    seconds: float,
    resamples: int,
    notes: tuple[str, ...],
) -> Evidence:
    """Evidence of images of which nothing is asked as a whole, before what was measured on them."""
    return Evidence(
        task="",
        dataset=dataset,
        split=split,
        cases=0,
        patients=0,
        classes=tuple(classes),
        class_counts=(),
        threshold=0.5,
        threshold_from="",
        scores={},
        confusion=(),
        curves={},
        subgroups=(),
        results=(),
        model=model,
        seconds=float(seconds),
        resamples=resamples,
        notes=notes,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
    )


def _table(predictions: Predictions) -> tuple[tuple[int, ...], ...]:
    table = confusion(predictions.target, predictions.called, predictions.classes)
    return tuple(tuple(int(cell) for cell in row) for row in table)


def _versions() -> dict[str, str]:
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a copy that was never installed
            found[package] = "unknown"
    return found
