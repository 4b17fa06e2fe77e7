"""From predictions to `Evidence`: scores with intervals, curves, subgroups and what a reader of them must know."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

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
from hounsfield.evaluation.surface_distance import Surface
from hounsfield.findings.model import ModelIdentity


@dataclass(frozen=True)
class Origin:
    """Where figures come from: the cases, the model, and the draws behind the intervals."""

    dataset: str
    """Name of the data set."""
    split: str
    """"test", "val", "external" …"""
    classes: tuple[str, ...]
    """Of images as a whole; of two the second is the positive one."""
    attributes: Mapping[str, Mapping[str, str]]
    """Case id to attribute to value, for subgroups; may be empty."""
    model: ModelIdentity
    """What was measured."""
    seconds: float
    """Wall time of reading the cases; the time of measuring them is not added."""
    resamples: int = RESAMPLES
    """Bootstrap draws behind the intervals."""
    seed: int = 0
    """Of the draws."""
    notes: tuple[str, ...] = ()
    """Sentences to put before those of the measuring itself."""


_PACKAGES = ("hounsfield", "numpy", "scipy", "torch")
"""Packages whose versions the figures may depend on."""


def measure(
    results: Sequence[CaseResult],
    origin: Origin,
    *,
    task: str,
    threshold: float,
    threshold_from: str,
    held: Held | None = None,
) -> Evidence:
    """The evidence of a classification.

    A score that cannot be computed (the AUC of one class) is absent, and a note says why.

    Args:
        results: One per case, n > 0; the order changes nothing but the order in the file.
        origin: Where they come from.
        task: Name of the task, "classification".
        threshold: Operating point, chosen on validation data. With more than two classes it is not used and becomes
            0.5: the largest probability decides.
        threshold_from: On which cases and by which rule it was chosen.
        held: The conformal sets of the results; None where there are none.

    Raises:
        EvaluationError: There are no results, or they contradict each other; see `predictions_from`.
    """
    classes, resamples = origin.classes, origin.resamples
    if resamples < 1:
        raise EvaluationError(f"intervals need at least one bootstrap draw, not {resamples}; {RESAMPLES} is usual")
    if len(classes) > 2:
        threshold = 0.5
    predictions = predictions_from(results, classes=classes, threshold=threshold)
    draws = {"resamples": resamples, "seed": origin.seed}
    measured = measured_scores(predictions, classes=classes, **draws)
    subgroups, passed_over = subgroups_of(
        predictions, [result.case for result in results], classes=classes, attributes=origin.attributes, **draws
    )
    two = len(classes) == 2 and len(np.unique(predictions.target)) == 2
    return replace(
        _unmeasured(origin),
        task=task,
        cases=predictions.cases,
        patients=predictions.patients,
        class_counts=tuple(np.bincount(predictions.target, minlength=len(classes)).tolist()),
        threshold=predictions.threshold,
        threshold_from=threshold_from,
        scores=measured.scores,
        confusion=_table(predictions),
        curves=curves_of(predictions, classes=classes, **draws),
        subgroups=subgroups,
        results=tuple(results),
        notes=(*origin.notes, *measured.notes, *passed_over),
        attainable=attainable_of(predictions, **draws) if two else (),
        sets=measured_sets(predictions, held, classes=classes, **draws) if held else None,
    )


def measure_places(
    results: Sequence[LocatedImage], origin: Origin, *, landmarks: Sequence[str], promised: float
) -> Evidence:
    """The evidence of a localization, which says nothing of images as a whole.

    Args:
        results: One an image.
        origin: Where they come from.
        landmarks: That were located.
        promised: Share of them that lie within their radius; 0 where none is said.

    Raises:
        EvaluationError: As `measure_localization`.
    """
    found = measure_localization(
        results,
        landmarks=landmarks,
        promised=promised,
        attributes=origin.attributes,
        resamples=origin.resamples,
        seed=origin.seed,
    )
    return replace(_of_images(results, origin, found.notes), task="localization", localization=found)


def measure_outlines(
    results: Sequence[OutlinedImage],
    origin: Origin,
    *,
    labels: Sequence[str],
    tolerance: float,
    surface: Surface = "elements",
) -> Evidence:
    """The evidence of a segmentation, which says nothing of images as a whole.

    Args:
        results: One an image.
        origin: Where they come from.
        labels: That were outlined.
        tolerance: Of the surface Dice.
        surface: What surfaces were taken to be.

    Raises:
        EvaluationError: As `measure_segmentation`.
    """
    found = measure_segmentation(
        results,
        labels=labels,
        tolerance=tolerance,
        surface=surface,
        attributes=origin.attributes,
        resamples=origin.resamples,
        seed=origin.seed,
    )
    return replace(_of_images(results, origin, found.notes), task="segmentation", segmentation=found)


def _of_images(
    results: Sequence[LocatedImage] | Sequence[OutlinedImage], origin: Origin, notes: Sequence[str]
) -> Evidence:
    """Evidence of images of which nothing is asked as a whole."""
    return replace(
        _unmeasured(origin),
        cases=len(results),
        patients=len({one.patient for one in results}),
        class_counts=(len(results),),
        notes=(*origin.notes, *notes),
    )


def _unmeasured(origin: Origin) -> Evidence:
    """Evidence that says where it comes from, and no figure yet."""
    return Evidence(
        task="",
        dataset=origin.dataset,
        split=origin.split,
        cases=0,
        patients=0,
        classes=origin.classes,
        class_counts=(),
        threshold=0.5,
        threshold_from="",
        scores={},
        confusion=(),
        curves={},
        subgroups=(),
        results=(),
        model=origin.model,
        seconds=float(origin.seconds),
        resamples=origin.resamples,
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
