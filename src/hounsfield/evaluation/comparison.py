"""Two models on the same cases: is one better, or is it luck?

Every score of both is drawn again from the same patients, and the differences of each draw give the interval: cases
that are hard for one model are mostly hard for the other, so the difference is known better than either score. For the
area under the ROC curve of two classes DeLong's test stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hounsfield.evaluation.bootstrap import RESAMPLES, draw_scores
from hounsfield.evaluation.delong import AreaDifference, compare_areas
from hounsfield.evaluation.difference import FEWEST_BEHIND, Difference, difference_of
from hounsfield.evaluation.evidence import Evidence
from hounsfield.evaluation.measured import patients_behind
from hounsfield.evaluation.paired import SHARES, Named, Paired, paired_scores
from hounsfield.evaluation.predictions import Predictions, predictions_of
from hounsfield.evaluation.scores import scores_of
from hounsfield.evaluation.shared import patients_among, shared_cases, shared_notes
from hounsfield.findings.model import ModelIdentity


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases."""

    first: ModelIdentity
    second: ModelIdentity
    dataset: str
    split: str
    cases: int
    patients: int
    classes: tuple[str, ...]
    differences: Mapping[str, Difference]
    """Of images as a whole, by score, in the order of `evaluation.scores.SCORES`; none where nothing is said of
    them."""
    areas: AreaDifference | None
    """DeLong's test; None with more than two classes, and where fewer than two patients are of one of the two."""
    agreement: float | None
    """Share of the cases that both models call the same; None where nothing is said of images as a whole."""
    resamples: int
    notes: tuple[str, ...]
    of: Named
    """What the next ones are of."""
    named: Mapping[str, Mapping[str, Difference]]
    """By name of the landmark, label or kind of lesions, those of all together first, and score, as `paired.Paired`: of
    labels on the images on which one is or either model found it, of distances where both did."""
    unit: str
    """Of the distances among these; empty where there is none."""


def compare(first: Evidence, second: Evidence, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """The differences of two models on the cases that both were measured on.

    Args:
        first: What was measured of one model.
        second: And of the other, on the same data.
        resamples: Draws of patients.
        seed: Of the draws.

    Raises:
        EvaluationError: They share no case, answer something else, or disagree on what a case is.
    """
    both = (first, second)
    shared = shared_cases(both)
    notes = shared_notes(both, shared)
    pairs = paired_scores(both, shared)
    predictions = [predictions_of(evidence, shared) for evidence in both] if pairs.beside_the_whole else []
    differences = _of_the_whole(*predictions, resamples=resamples, seed=seed) if predictions else {}
    named: dict[str, dict[str, Difference]] = {}
    for one in pairs.scores:
        named.setdefault(one.name, {})[one.score] = _of_the_named(one, resamples=resamples, seed=seed)
    return Comparison(
        first=first.model,
        second=second.model,
        dataset=first.dataset,
        split=first.split if first.split == second.split else f"{first.split} and {second.split}",
        cases=len(shared),
        patients=patients_among(first, shared),
        classes=first.classes,
        differences=differences,
        areas=_areas(*predictions) if predictions else None,
        agreement=float(np.mean(predictions[0].called == predictions[1].called)) if predictions else None,
        resamples=resamples,
        notes=(*notes, *pairs.notes, *_unknown(predictions, differences, pairs.scores)),
        of=pairs.of,
        named=named,
        unit=pairs.unit,
    )


def _of_the_whole(first: Predictions, second: Predictions, *, resamples: int, seed: int) -> dict[str, Difference]:
    both = (first, second)
    values = [scores_of(predictions) for predictions in both]
    draws = [draw_scores(predictions, resamples=resamples, seed=seed) for predictions in both]
    behind = [patients_behind(predictions) for predictions in both]
    return {
        name: difference_of(
            values[0][name],
            values[1][name],
            draws[0][name] - draws[1][name],
            patients=min(patients[name] for patients in behind),
            cases=first.cases,
        )
        for name in values[0]
        if not np.isnan(values[0][name] + values[1][name])
    }


def _of_the_named(one: Paired, *, resamples: int, seed: int) -> Difference:
    first, second = one.figures.tolist()
    draws = one.draws(resamples=resamples, seed=seed)
    return difference_of(
        first, second, draws[0] - draws[1], patients=one.patients, cases=one.cases, farthest=one.farthest
    )


def _unknown(
    predictions: Sequence[Predictions], differences: Mapping[str, Difference], pairs: Sequence[Paired]
) -> list[str]:
    """What a reader must know of scores with too few patients behind."""
    behind = [patients_behind(own) for own in predictions]
    few = [name for name in differences if min(patients[name] for patients in behind) < FEWEST_BEHIND]
    few += list(dict.fromkeys(one.name for one in pairs if one.patients < FEWEST_BEHIND))
    if not few:
        return []
    distances = any(one.score not in SHARES for one in pairs)
    of_distances = ", of distances as wide as the largest difference on an image" if distances else ""
    return [
        f"Fewer than {FEWEST_BEHIND} patients behind {', '.join(few)}: whether the models differ is unknown, and the "
        f"interval is all of [-1, 1]{of_distances}."
    ]


def _areas(first: Predictions, second: Predictions) -> AreaDifference | None:
    target = first.target == 1
    if first.classes != 2 or target.all() or not target.any():
        return None
    found = compare_areas(target, first.probabilities[:, 1], second.probabilities[:, 1], first.patient)
    if not np.isfinite(found.error) or (found.error == 0 and found.value != 0):  # too few cases to vary
        return None
    return found
