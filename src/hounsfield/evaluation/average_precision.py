"""Average precision of findings: area under precision against recall, at one intersection over union or several.

Precision is made to fall with recall and read at 101 values of it, as COCO does; a finding that hits a lesion which
was taken before is a false alarm here.

Reference:
    Lin et al., "Microsoft COCO: common objects in context" (2014), arXiv:1405.0312.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hounsfield.arrays import BoolArray, FloatArray, IntArray
from hounsfield.evaluation.evidence import Curve, Score
from hounsfield.evaluation.intervals import percentile_score
from hounsfield.evaluation.resampling import patient_weights

RECALLS = np.linspace(0, 1, 101)
"""At which precision is read."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Findings of one class on all images by falling score, and which of them are right."""

    scores: FloatArray
    """(findings,), falling."""
    right: BoolArray
    """(findings,)."""
    patients: IntArray
    """(findings,), 0 … patients - 1."""
    lesion_patients: IntArray
    """(lesions,), of all that there are to find."""


def average_precision(ranked: Ranked, *, patients: int, resamples: int, seed: int) -> Score | None:
    """With its interval over patients; None without lesions."""
    if not len(ranked.lesion_patients):
        return None
    value = _of_draws(ranked, np.ones((1, patients)))[0]
    blocks = patient_weights(patients, resamples=resamples, seed=seed, cases=max(1, len(ranked.scores)))
    drawn = np.concatenate([_of_draws(ranked, weights) for weights in blocks])
    behind = len(np.unique(ranked.lesion_patients))
    return percentile_score(float(value), drawn, patients=behind)[0]


def precision_curve(ranked: Ranked) -> Curve:
    """Precision (y) at 101 values of recall (x)."""
    precision = _at_recalls(ranked, np.ones(int(max(ranked.patients.max(initial=0), ranked.lesion_patients.max())) + 1))
    return Curve(x=tuple(RECALLS.tolist()), y=tuple(precision.tolist()))


def _of_draws(ranked: Ranked, weights: FloatArray) -> FloatArray:
    """(draws,); NaN where no lesion was drawn."""
    lesions = weights[:, ranked.lesion_patients].sum(axis=1)
    found = [_at_recalls(ranked, row).mean() if count else np.nan for row, count in zip(weights, lesions, strict=True)]
    return np.array(found)


def _at_recalls(ranked: Ranked, weight: FloatArray) -> FloatArray:
    """(101,), of one draw as weights (patients,)."""
    own = weight[ranked.patients]
    hits = np.cumsum(own * ranked.right)
    said = np.cumsum(own)
    recall = hits / weight[ranked.lesion_patients].sum()
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(recall, RECALLS, side="left")
    return np.asarray(np.r_[falling, 0.0][np.minimum(place, len(falling))])
