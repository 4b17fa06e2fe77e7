"""How well labels are outlined: overlap, surfaces, volumes and lesions, with intervals over patients."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import (
    LabelScores,
    OutlinedImage,
    OutlinedLabel,
    Score,
    SegmentationEvidence,
    Subgroup,
)
from hounsfield.evaluation.image_results import patients_of
from hounsfield.evaluation.instances import AVERAGE_PRECISION, INSTANCE_SCORES
from hounsfield.evaluation.intervals import distance_score, percentile_score
from hounsfield.evaluation.resampling import draws_of_patients, means_of_draws
from hounsfield.evaluation.subgroups import columns_of, tables_of, too_small
from hounsfield.evaluation.surface_distance import Surface

ALL = "all labels"

_UNBOUNDED = ("hausdorff", "surface_distance", "volume_error", "volume_bias", "count_error", "count_bias")
"""Scores that may leave [0, 1]."""


def of_instances(score: str, one: OutlinedLabel) -> float | None:
    """A score of the objects of a label; None where they were not outlined one by one."""
    return None if one.instances is None else INSTANCE_SCORES[score](one.instances)


_MEANS: Mapping[str, Callable[[OutlinedLabel], float | None]] = {
    "dice": lambda one: one.dice,
    "iou": lambda one: one.dice / (2 - one.dice),
    "surface_dice": lambda one: one.surface_dice,
    "hausdorff": lambda one: one.hausdorff,
    "surface_distance": lambda one: one.surface_distance,
    "volume_error": lambda one: abs(one.found_volume - one.volume) / one.volume if one.volume else None,
    "volume_bias": lambda one: (one.found_volume - one.volume) / one.volume if one.volume else None,
    **{name: functools.partial(of_instances, name) for name in INSTANCE_SCORES},
}


_LESION_RATES = (
    ("lesion_sensitivity", (0, 1, 0), (1, 0, 0)),
    ("lesion_precision", (0, 1, 0), (0, 1, 1)),
    ("lesion_f1", (0, 2, 0), (1, 1, 1)),
)
"""How often lesions, those of them that were found, and false ones count above and below the line."""


def measure_segmentation(
    results: Sequence[OutlinedImage],
    *,
    labels: Sequence[str],
    tolerance: float,
    surface: Surface = "elements",
    attributes: Mapping[str, Mapping[str, str]],
    resamples: int,
    seed: int = 0,
) -> SegmentationEvidence:
    """The evidence of a segmentation.

    A label that is neither on an image nor was found there says nothing: such images are left out of its means.

    Args:
        results: One an image.
        labels: That are outlined, as they stand in every result.
        tolerance: Of the surface Dice, in mm or pixels.
        surface: What surfaces were taken to be.
        attributes: Case id to attribute to value, for subgroups.
        resamples: Bootstrap draws of patients behind the intervals.
        seed: Of the draws.

    Raises:
        EvaluationError: There is no image, one comes twice, or no label is on any.
    """
    patients = patients_of(results)
    _require(results, labels)
    draws = {"resamples": resamples, "seed": seed}
    groups = [(ALL, [[one for one in image.labels if one.there] for image in results])]
    groups += [(name, [[one for one in image.labels if one.label == name and one.there] for image in results])
               for name in labels]  # fmt: skip
    scored = tuple(_scores(name, own, patients, **draws) for name, own in groups if any(own))
    subgroups, notes = _subgroups(results, attributes, **draws)
    absent = [name for name, own in groups[1:] if not any(own)]
    if absent:
        notes.append(f"{', '.join(absent)}: on no image, and found on none: nothing is said of it.")
    if missed := [f"{one.name} on {one.missed} of {one.images}" for one in scored[1:] if one.missed]:
        notes.append(f"Either empty or missed, and so without distances: {', '.join(missed)}.")
    unit = " or ".join(sorted({one.unit for one in results}))
    if unit != "mm":
        notes.append(
            "Not every image says how large its pixels are: distances on these are in pixels of the images as stored."
        )
    if patients.max() == 0:
        notes.append("One patient only: how far the scores would vary is unknown.")
    return SegmentationEvidence(
        unit, tolerance, surface, scored, subgroups=subgroups, results=tuple(results), notes=tuple(notes)
    )


def head_score(scores: Mapping[str, Score]) -> str:
    """The score that comes first of a label's: of instances their average precision, of other labels Dice."""
    return AVERAGE_PRECISION if AVERAGE_PRECISION in scores else "dice"


def quality(one: OutlinedImage) -> float:
    """How well an image was outlined, in [0, 1]: mean average precision of instances, else mean Dice of the labels that
    are there."""
    there = [label for label in one.labels if label.there]
    scores = [of_instances(AVERAGE_PRECISION, label) for label in there]
    return _mean([label.dice for label in there]) if None in scores else _mean(scores)


def _require(results: Sequence[OutlinedImage], labels: Sequence[str]) -> None:
    if not any(own.there for one in results for own in one.labels):
        raise EvaluationError(
            f"none of the {len(results)} images shows {', '.join(labels)}, and nothing was found: there is nothing to "
            "measure"
        )


def _scores(
    name: str, groups: Sequence[Sequence[OutlinedLabel]], patients: IntArray, *, resamples: int, seed: int
) -> LabelScores:
    """Of one label, or of all that are on an image, of whom each image has its mean."""
    shown = np.array([bool(own) for own in groups])
    owner = patients[shown]
    weights = draws_of_patients(owner, resamples=resamples, seed=seed)
    own = [group for group in groups if group]
    scores = {}
    for score, value_of in _MEANS.items():
        values = np.array([_mean([value_of(one) for one in group]) for group in own])
        if not np.isnan(values).all():
            scores[score] = _mean_score(score, values, weights, owner)
    counts = np.array([[_sum(group, key) for key in ("lesions", "lesions_found", "false_lesions")] for group in own])
    scores |= _lesion_scores(counts, weights, owner)
    missed = sum(one.hausdorff is None for group in own for one in group)
    return LabelScores(name, int(shown.sum()), len(np.unique(owner)), missed, scores)


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _sum(group: Sequence[OutlinedLabel], key: str) -> int:
    return sum(getattr(one, key) for one in group)


def _mean_score(name: str, values: FloatArray, weights: FloatArray, owner: IntArray) -> Score:
    known = ~np.isnan(values)
    drawn = means_of_draws(values[known], weights[:, known])
    return _with_interval(name, float(values[known].mean()), drawn, values[known], owner[known])


def _lesion_scores(counts: FloatArray, weights: FloatArray, owner: IntArray) -> dict[str, Score]:
    """Sensitivity, precision and F1 of lesions, counted over all images: a lesion is found where it was touched."""
    found: dict[str, Score] = {}
    for name, above, below in _LESION_RATES:
        part, whole = (counts @ np.array(share, dtype=np.float64) for share in (above, below))
        if whole.sum() == 0:
            continue
        up, down = weights @ part, weights @ whole
        drawn = np.divide(up, down, out=np.full(len(down), np.nan), where=down > 0)
        found[name] = percentile_score(float(part.sum() / whole.sum()), drawn, patients=len(np.unique(owner)))[0]
    return found


def _with_interval(name: str, value: float, drawn: FloatArray, values: FloatArray, owner: IntArray) -> Score:
    """Of shares as everywhere; of distances and errors the percentiles of the draws."""
    if name not in _UNBOUNDED:
        return percentile_score(value, drawn, patients=len(np.unique(owner)))[0]
    return distance_score(value, drawn, values)


def _subgroups(
    results: Sequence[OutlinedImage],
    attributes: Mapping[str, Mapping[str, str]],
    *,
    resamples: int,
    seed: int,
) -> tuple[tuple[Subgroup, ...], list[str]]:
    """Scores of all labels by what is known of the cases, the smallest group first."""
    shown = [one for one in results if any(own.there for own in one.labels)]
    means = {
        score: np.array([_mean([_MEANS[score](own) for own in one.labels if own.there]) for one in shown])
        for score in ("dice", AVERAGE_PRECISION)
    }
    owner = patients_of(shown)

    def subgroup(attribute: str, value: str, chosen: BoolArray) -> Subgroup:
        cases, patients = int(chosen.sum()), len(np.unique(owner[chosen]))
        if note := too_small(patients):
            return Subgroup(attribute, value, cases, patients, cases, {}, note)
        weights = draws_of_patients(owner[chosen], resamples=resamples, seed=seed)
        scores = {
            score: _mean_score(score, each[chosen], weights, owner[chosen])
            for score, each in means.items()
            if not np.isnan(each[chosen]).all()
        }
        return Subgroup(attribute, value, cases, patients, cases, scores)

    tables, notes = tables_of(columns_of([one.case for one in shown], attributes), subgroup)
    return tuple(group for table in tables for group in table), notes
