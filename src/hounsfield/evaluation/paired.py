"""What several models got at each landmark, label or lesion of the same images, so that they are drawn together.

An image that is hard for one model is mostly hard for the others, so differences are known better than what each got.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from hounsfield.arrays import FloatArray, IntArray
from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import (
    Evidence,
    LocalizationEvidence,
    OutlinedImage,
    OutlinedLabel,
    SegmentationEvidence,
)
from hounsfield.evaluation.instances import AVERAGE_PRECISION
from hounsfield.evaluation.localization import ALL as ALL_LANDMARKS
from hounsfield.evaluation.localization import pairs_of
from hounsfield.evaluation.paired_lesions import AT_RATES, MEAN, found_alike, lesions_found
from hounsfield.evaluation.resampling import draws_of_patients, means_of_draws, quantiles_of_draws
from hounsfield.evaluation.segmentation import ALL as ALL_LABELS
from hounsfield.evaluation.segmentation import of_instances

Named = Literal["", "landmarks", "labels", "lesions"]
"""What has scores by name; nothing where images are classified alone."""

_OF_INSTANCES = (AVERAGE_PRECISION, "panoptic_quality")

SHARES = ("dice", "surface_dice", *_OF_INSTANCES, MEAN, *AT_RATES)
"""Scores in [0, 1]; the others are distances."""

_OF_LABELS: Mapping[str, Callable[[OutlinedLabel], float | None]] = {
    "dice": lambda one: one.dice,
    "surface_dice": lambda one: one.surface_dice,
    "hausdorff": lambda one: one.hausdorff,
    "surface_distance": lambda one: one.surface_distance,
    **{name: functools.partial(of_instances, name) for name in _OF_INSTANCES},
}


class Paired(Protocol):
    """One score of one landmark, label or kind of lesions, as several models have it on the same images."""

    @property
    def name(self) -> str:
        """Of the landmark, label or kind, or of all of them."""
        ...

    @property
    def score(self) -> str:
        """As `PairedValues.score` or `PairedLesions.score`."""
        ...

    @property
    def cases(self) -> int:
        """Images behind the score."""
        ...

    @property
    def patients(self) -> int:
        """Behind the score."""
        ...

    @property
    def farthest(self) -> float:
        """The largest difference of two models that there can be: 1 of shares."""
        ...

    @property
    def figures(self) -> FloatArray:
        """(models,)."""
        ...

    def draws(self, *, resamples: int, seed: int) -> FloatArray:
        """(models, resamples) of the figures, from the same draws of patients for all models."""
        ...


@dataclass(frozen=True, eq=False)
class PairedValues:
    """One score of one landmark or label, a value for each image or landmark."""

    name: str
    """Of the landmark or label, or of all of them."""
    score: str
    """"median" of the errors of landmarks; "dice", "surface_dice", "hausdorff" and "surface_distance" of labels, and
    "average_precision" and "panoptic_quality" of instances."""
    values: FloatArray
    """(models, n): an error of each landmark, or what a label got on each image; all are known."""
    owner: IntArray
    """(n,) number of the patient."""
    cases: int
    """Images behind the values."""

    @property
    def patients(self) -> int:
        """Behind the values."""
        return len(np.unique(self.owner))

    @property
    def farthest(self) -> float:
        """1 of shares; of distances the largest difference on an image."""
        return 1.0 if self.score in SHARES else float(np.ptp(self.values, axis=0).max())

    @property
    def figures(self) -> FloatArray:
        """(models,) the median of the values, or their mean."""
        found: FloatArray = (np.median if self.score == "median" else np.mean)(self.values, axis=1)
        return found

    def draws(self, *, resamples: int, seed: int) -> FloatArray:
        """(models, resamples) of the figures, from the same draws of patients for all models."""
        weights = draws_of_patients(self.owner, resamples=resamples, seed=seed)
        if self.score == "median":
            return np.stack([quantiles_of_draws(own, weights, 0.5) for own in self.values])
        return np.stack([means_of_draws(own, weights) for own in self.values])


@dataclass(frozen=True, eq=False)
class PairedScores:
    """All scores of several models at landmarks, labels or lesions."""

    of: Named
    unit: str
    """Of distances; empty where nothing was located or outlined."""
    scores: tuple[Paired, ...]
    """Those of all landmarks, labels or lesions together first."""
    notes: tuple[str, ...] = ()

    @property
    def beside_the_whole(self) -> bool:
        """Whether something is said of images as a whole too."""
        return self.of in ("", "lesions")


def paired_scores(evidences: Sequence[Evidence], shared: Sequence[str]) -> PairedScores:
    """The scores of models that were asked for the same landmarks or labels, or that found lesions; none where images
    are classified alone.

    Args:
        evidences: What was measured of each.
        shared: Ids of the cases that all were measured on.

    Raises:
        EvaluationError: There is nothing on these cases that all have a value for.
    """
    located = [evidence.localization for evidence in evidences if evidence.localization is not None]
    outlined = [evidence.segmentation for evidence in evidences if evidence.segmentation is not None]
    if not located and not outlined:
        return _of_lesions(evidences, shared)
    found = _of_landmarks(located, shared) if located else _of_labels(outlined, shared)
    if not found.scores:
        raise EvaluationError(
            f"the {len(shared)} cases that all models were measured on show nothing of what these were asked for: there"
            " is nothing to compare"
        )
    return found


def _of_lesions(evidences: Sequence[Evidence], shared: Sequence[str]) -> PairedScores:
    """Of the lesions on the shared images, where all models looked for the same."""
    detections, why_not = found_alike([evidence.detection for evidence in evidences])
    if not detections:
        return PairedScores("", "", (), (why_not,) if why_not else ())
    scores = lesions_found(detections, shared)
    if not scores:
        return PairedScores("", "", (), ("None of these images has a lesion: images as a whole are compared alone.",))
    return PairedScores("lesions", "", tuple(scores), (f"Of lesions, a hit is {detections[0].rule}.",))


def _of_landmarks(located: Sequence[LocalizationEvidence], shared: Sequence[str]) -> PairedScores:
    """Of the landmarks that an image shows and all models located."""
    unit = "mm" if all(own.unit == "mm" for own in located) else "pixels"
    errors: dict[tuple[str, str], list[float]] = {}
    patients: dict[str, str] = {}
    for own in located:
        results = {one.case: one for one in own.results}
        for case in shared:
            patients[case] = results[case].patient
            for truth, _, error in pairs_of(results[case], unit=unit):
                errors.setdefault((truth.label, case), []).append(error)
    known = {key: got for key, got in errors.items() if len(got) == len(located)}
    names = list(dict.fromkeys(name for name, _ in known))
    groups = [(ALL_LANDMARKS, known), *((name, {key: known[key] for key in known if key[0] == name}) for name in names)]
    scores = [_paired(name, "median", ((case, got) for (_, case), got in own.items()), patients)
              for name, own in groups if own]  # fmt: skip
    return PairedScores("landmarks", unit, tuple(scores))


def _of_labels(outlined: Sequence[SegmentationEvidence], shared: Sequence[str]) -> PairedScores:
    """Of each label the images on which it is or any model found it; distances where all models found what is there."""
    results = [{one.case: one for one in own.results} for own in outlined]
    images = {case: [own[case] for own in results] for case in shared}
    tolerances = sorted({own.tolerance for own in outlined})
    left_out = ["surface_dice"] if len(tolerances) > 1 else []
    notes = [f"No surface Dice: its tolerances are {', '.join(f'{one:g}' for one in tolerances)}."] if left_out else []
    if len(surfaces := sorted({own.surface for own in outlined})) > 1:
        left_out = ["surface_dice", "hausdorff", "surface_distance"]
        notes = [f"No distances: surfaces are {' here and '.join(surfaces)} there."]
    names = [own.label for own in images[shared[0]][0].labels]
    there = {case: _labels_there(own, names) for case, own in images.items()}
    patients = {case: own[0].patient for case, own in images.items()}
    scores = []
    for name, chosen in ((ALL_LABELS, names), *((name, [name]) for name in names)):
        for score, value_of in _OF_LABELS.items():
            if score in left_out:
                continue
            values = ((case, _mean_of_labels(own, chosen, value_of)) for case, own in there.items())
            known = [(case, got) for case, got in values if got is not None]
            scores += [_paired(name, score, known, patients)] if known else []
    unit = " or ".join(sorted({one.unit for own in images.values() for one in own}))
    return PairedScores("labels", unit, tuple(scores), tuple(notes))


def _labels_there(image: Sequence[OutlinedImage], names: Sequence[str]) -> dict[str, list[OutlinedLabel]]:
    """By name what each model got of the labels that are on an image or that any model found there."""
    by_name = [{own.label: own for own in one.labels} for one in image]
    every = {name: [own[name] for own in by_name] for name in names}
    return {name: own for name, own in every.items() if any(one.there for one in own)}


def _mean_of_labels(
    there: Mapping[str, Sequence[OutlinedLabel]],
    names: Sequence[str],
    value_of: Callable[[OutlinedLabel], float | None],
) -> list[float] | None:
    """Of each model the mean over some labels of an image, those for which all models have a value; None without."""
    rows = [[value_of(one) for one in there[name]] for name in names if name in there]
    known = [row for row in rows if None not in row]
    return np.mean(np.array(known, dtype=np.float64), axis=0).tolist() if known else None


def _paired(
    name: str, score: str, got: Iterable[tuple[str, Sequence[float]]], patients: Mapping[str, str]
) -> PairedValues:
    """From what the models got, case by case."""
    rows = list(got)
    owner = np.unique([patients[case] for case, _ in rows], return_inverse=True)[1]
    values = np.array([own for _, own in rows], dtype=np.float64).T
    return PairedValues(name, score, values, owner, len({case for case, _ in rows}))
