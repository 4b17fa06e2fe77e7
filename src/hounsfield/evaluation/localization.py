"""How near landmarks are located: errors in mm or pixels, shares within a distance, with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import (
    Curve,
    LandmarkErrors,
    LocalizationEvidence,
    Located,
    LocatedImage,
    Subgroup,
)
from hounsfield.evaluation.image_results import patients_of
from hounsfield.evaluation.intervals import distance_score, percentile_score
from hounsfield.evaluation.resampling import draws_of_patients, means_of_draws, quantiles_of_draws
from hounsfield.evaluation.subgroups import columns_of, tables_of, too_small
from hounsfield.findings.region import Point

DISTANCES = (2.0, 3.0, 4.0, 6.0, 10.0)
"""Within which a landmark counts as located, in the unit of the errors."""

ALL = "all landmarks"


def measure_localization(
    results: Sequence[LocatedImage],
    *,
    landmarks: Sequence[str],
    promised: float,
    attributes: Mapping[str, Mapping[str, str]],
    resamples: int,
    seed: int = 0,
) -> LocalizationEvidence:
    """The evidence of a localization.

    Errors are distances between where a landmark is and where it was located: in mm where every image knows the size of
    its pixels, else in pixels of the images as stored.

    Args:
        results: One an image.
        landmarks: That are located; one that an image does not show counts nothing there.
        promised: Share of the landmarks that lie within their radius; 0 where none is said.
        attributes: Case id to attribute to value, for subgroups.
        resamples: Bootstrap draws of patients behind the intervals.
        seed: Of the draws.

    Raises:
        EvaluationError: There is no image or no landmark, or an image comes twice.
    """
    patient = patients_of(results)
    _require(results, landmarks)
    unit = "mm" if all(one.spacing_mm for one in results) else "pixels"
    image, which, errors, inside = _errors(results, landmarks, unit)
    owner = patient[image]
    draws = {"resamples": resamples, "seed": seed}
    groups = [(ALL, np.ones(len(errors), dtype=bool)), *((name, which == k) for k, name in enumerate(landmarks))]
    of_landmarks = [
        _landmark(name, len(np.unique(image[own])), errors[own], inside[own], owner[own], **draws)
        for name, own in groups
        if own.any()
    ]
    curves = {name: _curve(errors[own]) for name, own in groups if own.any()}
    subgroups, notes = _subgroups(results, image, errors, owner, attributes, **draws)
    absent = [name for k, name in enumerate(landmarks) if not (which == k).any()]
    if absent:
        notes.append(f"No image shows {', '.join(absent)}: nothing is said of it.")
    if unit == "pixels":
        notes.append("Not every image says how large its pixels are: errors are in pixels of the images as stored.")
    if len(np.unique(patient)) == 1:
        notes.append("One patient only: how far the errors would vary is unknown; intervals span those that were seen.")
    return LocalizationEvidence(
        unit=unit,
        promised=promised,
        landmarks=tuple(of_landmarks),
        curves=curves,
        subgroups=subgroups,
        results=tuple(results),
        notes=tuple(notes),
    )


def error_of(truth: Point, found: Point, spacing: Sequence[float]) -> float:
    """Distance between two places, their pixels being `spacing` (d, h, w) apart."""
    apart = np.array([truth.z - found.z, truth.y - found.y, truth.x - found.x]) * np.asarray(spacing)
    return float(np.linalg.norm(apart))


def _require(results: Sequence[LocatedImage], landmarks: Sequence[str]) -> None:
    if not any(truth.label in landmarks for one in results for truth in one.truths):
        raise EvaluationError(
            f"none of the {len(results)} images shows {', '.join(landmarks)}: there is nothing to measure; name the "
            "landmarks in the data's description ([landmarks]) as the model does"
        )


def pairs_of(one: LocatedImage, *, unit: str = "mm") -> list[tuple[Point, Located, float]]:
    """Of each landmark that an image shows and that was located: where it is, where it was located, and the error.

    Args:
        one: The image.
        unit: "mm", where the image knows the size of its pixels, or "pixels".
    """
    spacing = one.spacing_mm if unit == "mm" and one.spacing_mm else (1.0, 1.0, 1.0)
    found = {own.point.label: own for own in one.found}
    return [
        (truth, found[truth.label], error_of(truth, found[truth.label].point, spacing))
        for truth in one.truths
        if truth.label in found
    ]


def _errors(
    results: Sequence[LocatedImage], landmarks: Sequence[str], unit: str
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Of each landmark that is there: number of the image and of the landmark, its error, and whether it lies within
    its radius, NaN where it has none."""
    rows = []
    for number, one in enumerate(results):
        own = pairs_of(one)  # radii are in mm where the image knows them, whatever the unit of all
        for (truth, located, error), (_, _, apart) in zip(pairs_of(one, unit=unit), own, strict=True):
            if truth.label in landmarks:
                inside = float(apart <= located.radius) if located.radius else float("nan")
                rows.append((number, landmarks.index(truth.label), error, inside))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3]


def _landmark(
    name: str,
    images: int,
    errors: FloatArray,
    inside: FloatArray,
    owner: IntArray,
    *,
    resamples: int,
    seed: int,
) -> LandmarkErrors:
    weights = draws_of_patients(owner, resamples=resamples, seed=seed)
    patients = len(np.unique(owner))
    scores = {
        "median": distance_score(float(np.median(errors)), quantiles_of_draws(errors, weights, 0.5), errors),
        "mean": distance_score(float(errors.mean()), means_of_draws(errors, weights), errors),
        "p90": distance_score(float(np.percentile(errors, 90)), quantiles_of_draws(errors, weights, 0.9), errors),
    }
    for distance in DISTANCES:
        near = (errors <= distance).astype(np.float64)
        draws = means_of_draws(near, weights)
        scores[f"within_{distance:g}"] = percentile_score(float(near.mean()), draws, patients=patients)[0]
    promised = ~np.isnan(inside)
    if promised.any():
        held, behind = inside[promised], len(np.unique(owner[promised]))
        draws = means_of_draws(held, weights[:, promised])
        scores["in_radius"] = percentile_score(float(held.mean()), draws, patients=behind)[0]
    return LandmarkErrors(name, images, patients, scores)


def _curve(errors: FloatArray) -> Curve:
    """Share of the landmarks within a distance, against the distance."""
    distances = np.unique(np.r_[0.0, np.percentile(errors, np.arange(0, 101))])
    shares = (errors[None] <= distances[:, None]).mean(axis=1)
    return Curve(tuple(distances.tolist()), tuple(shares.tolist()))


def _subgroups(
    results: Sequence[LocatedImage],
    image: IntArray,
    errors: FloatArray,
    owner: IntArray,
    attributes: Mapping[str, Mapping[str, str]],
    *,
    resamples: int,
    seed: int,
) -> tuple[tuple[Subgroup, ...], list[str]]:
    """Errors of all landmarks by what is known of the cases, the smallest group first."""

    def subgroup(attribute: str, value: str, chosen: BoolArray) -> Subgroup:
        own = chosen[image]
        cases, patients, marks = int(chosen.sum()), len(np.unique(owner[own])), int(own.sum())
        if note := too_small(patients):
            return Subgroup(attribute, value, cases, patients, marks, {}, note)
        weights = draws_of_patients(owner[own], resamples=resamples, seed=seed)
        draws = quantiles_of_draws(errors[own], weights, 0.5)
        median = distance_score(float(np.median(errors[own])), draws, errors[own])
        return Subgroup(attribute, value, cases, patients, marks, {"median": median})

    tables, notes = tables_of(columns_of([one.case for one in results], attributes), subgroup)
    return tuple(group for table in tables for group in table), notes
