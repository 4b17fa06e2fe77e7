"""How often conformal sets hold the truth, and how often they are an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray
from hounsfield.evaluation.evidence import Score, Sets
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.resampling import patient_weights


@dataclass(frozen=True, eq=False)
class Held:
    """The conformal sets of n cases."""

    classes: BoolArray
    """(n, classes), which classes cannot be ruled out."""
    promised: float
    """The coverage that they were made for."""


def measured_sets(predictions: Predictions, held: Held, *, classes: Sequence[str], resamples: int, seed: int) -> Sets:
    """Coverage of each class that occurs, and the shares of cases with one class and with none.

    The promise is one about patients: of a class, each counts once, however many cases of it she has.

    Args:
        predictions: n cases.
        held: Their sets.
        classes: Class names.
        resamples: Bootstrap draws of patients behind the intervals.
        seed: Of the draws.
    """
    target, size = predictions.target, held.classes.sum(axis=1)
    true = held.classes[np.arange(len(target)), target]
    everyone = np.ones(len(target), dtype=bool)

    def share(counted: BoolArray, among: BoolArray, *, patients_once: bool = False) -> Score:
        weight = among.astype(np.float64)
        if patients_once:
            weight /= np.maximum(np.bincount(predictions.patient, weights=weight)[predictions.patient], 1)
        return _share(predictions, counted, weight, resamples=resamples, seed=seed)

    return Sets(
        promised=held.promised,
        coverage={
            name: share(true, target == k, patients_once=True) for k, name in enumerate(classes) if np.any(target == k)
        },
        decided=share(size == 1, everyone),
        empty=share(size == 0, everyone),
    )


def _share(predictions: Predictions, counted: BoolArray, weight: FloatArray, *, resamples: int, seed: int) -> Score:
    """The share of the weight that is `counted`, and how far it would vary with other patients."""
    both = np.stack([counted * weight, weight], axis=1)
    sums = np.zeros((predictions.patients, 2))
    np.add.at(sums, predictions.patient, both)
    weights = patient_weights(predictions.patients, resamples=resamples, seed=seed)
    part, whole = np.concatenate([block @ sums for block in weights]).T
    draws = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
    value = float(both[:, 0].sum() / both[:, 1].sum())
    return percentile_score(value, draws, patients=int(np.count_nonzero(sums[:, 1])))[0]
