"""Every score that can be computed, with its interval, and a sentence for what cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray
from hounsfield.evaluation.bootstrap import draw_scores
from hounsfield.evaluation.evidence import Score
from hounsfield.evaluation.intervals import Basis, percentile_score
from hounsfield.evaluation.predictions import Predictions
from hounsfield.evaluation.scores import SCORES, scores_of

FEW_PATIENTS = 30
"""Below this, percentile intervals are known to be too narrow."""


@dataclass(frozen=True)
class Measured:
    """Scores by name, and what a reader of them must know."""

    scores: dict[str, Score]
    notes: tuple[str, ...]


def measured_scores(predictions: Predictions, *, classes: Sequence[str], resamples: int, seed: int) -> Measured:
    """The scores that exist for these cases; notes name those that do not, and intervals that are not percentiles."""
    values = scores_of(predictions)
    draws = draw_scores(predictions, resamples=resamples, seed=seed)
    behind = patients_behind(predictions)
    present = {name: value for name, value in values.items() if not np.isnan(value)}
    scored = {
        name: percentile_score(value, draws[name], patients=behind[name], bounded=name not in ("brier", "ece"))
        for name, value in present.items()
    }
    notes = _missing_notes(predictions, classes, [name for name in SCORES if name not in present])
    left_out = {name: int(np.isnan(draws[name]).sum()) for name in present}
    bases = {name: basis for name, (_, basis) in scored.items()}
    notes += _interval_notes(predictions.patients, resamples, left_out, bases)
    return Measured({name: score for name, (score, _) in scored.items()}, tuple(notes))


def patients_behind(predictions: Predictions) -> dict[str, int]:
    """How many patients each score rests on: of the rarest class where it needs cases of several.

    A mean over more than two classes rests on two patients at least, where there are two: one class of one patient
    does not leave all of the mean unknown.
    """

    def patients(chosen: BoolArray) -> int:
        return len(np.unique(predictions.patient[chosen]))

    everyone = predictions.patients
    present = [1] if predictions.classes == 2 else [int(k) for k in np.unique(predictions.target)]
    found = min(patients(predictions.target == k) for k in present)
    spared = min(patients(predictions.target != k) for k in present)
    named = min(patients(predictions.called == k) for k in present)
    if predictions.classes > 2:
        found, spared, named = (min(everyone, max(2, behind)) for behind in (found, spared, named))
    return {
        "accuracy": everyone,
        "precision": named,
        "sensitivity": found,
        "specificity": spared,
        "auc_roc": min(found, spared),
        "average_precision": min(found, spared),
        "brier": everyone,
        "ece": everyone,
    }


def _missing_notes(predictions: Predictions, classes: Sequence[str], missing: list[str]) -> list[str]:
    notes = []
    present = np.unique(predictions.target)
    if len(present) == 1:
        notes.append(f"All cases are {classes[int(present[0])]}: {_listed(missing)} cannot be computed.")
    elif missing:  # of two classes that both occur only the precision can be missing
        notes.append(f"No case was called {classes[1]}: {_listed(missing)} cannot be computed.")
    absent = [name for k, name in enumerate(classes) if k not in present]
    if len(classes) > 2 and absent and len(present) > 1:
        notes.append(f"No case is {_listed(absent, last='or')}: means over the classes leave it out.")
    return notes


def _interval_notes(patients: int, resamples: int, left_out: dict[str, int], bases: Mapping[str, Basis]) -> list[str]:
    unknown = [name for name, basis in bases.items() if basis == "unknown"]
    bound = [name for name, basis in bases.items() if basis == "bound"]
    lacking = {name: count for name, count in left_out.items() if count and name not in unknown}
    notes = []
    if patients == 1:
        notes.append("One patient only: how far the scores would vary is unknown, so every interval is all of [0, 1].")
    elif unknown:
        notes.append(f"Too few patients to know how far {_listed(unknown)} would vary: the interval is all of [0, 1].")
    if 1 < patients < FEW_PATIENTS:
        notes.append(f"{patients} patients only: intervals from so few are too narrow.")
    if lacking:
        counts = _listed([f"{name} ({count})" for name, count in lacking.items()])
        notes.append(f"Of {resamples} draws, those without a needed class or call were left out for {counts}.")
    if bound:
        notes.append(f"{_listed(bound)}: the same in every draw, so the interval is the exact binomial bound.")
    return notes


def _listed(names: Sequence[str], *, last: str = "and") -> str:
    """The names as words: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
