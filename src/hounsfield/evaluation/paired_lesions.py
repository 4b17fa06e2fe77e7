"""How many lesions several models find on the same images, so that they are drawn together.

In every draw of patients each model has a threshold of its own for each rate of false alarms, as when it is measured
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.evaluation.evidence import DetectionEvidence
from hounsfield.evaluation.froc import RATES, Responses, drawn_sensitivities, sensitivities
from hounsfield.evaluation.hits import responses_by_kind
from hounsfield.evaluation.matching import rule_from

MEAN = "mean_sensitivity"

AT_RATES = tuple(f"sensitivity_at_{rate:g}" for rate in RATES)
"""Names of the sensitivities, as in `DetectionEvidence.scores`."""


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """How many of some lesions several models find, at all rates of false alarms."""

    responses: tuple[Responses, ...]
    """Of each model, to the same lesions on the same images."""
    _drawn: dict[tuple[int, int], FloatArray] = field(default_factory=dict, repr=False)

    def figures(self) -> FloatArray:
        """(models, rates)."""
        return np.stack([sensitivities(own, RATES) for own in self.responses])

    def draws(self, *, resamples: int, seed: int) -> FloatArray:
        """(models, resamples, rates), from the same draws of patients for all models; drawn once for all scores."""
        key = (resamples, seed)
        if key not in self._drawn:
            drawn = [drawn_sensitivities(own, RATES, resamples=resamples, seed=seed) for own in self.responses]
            self._drawn[key] = np.stack(drawn)
        return self._drawn[key]


@dataclass(frozen=True, eq=False)
class PairedLesions:
    """One score of some lesions, as `paired.Paired`."""

    name: str
    """Of all lesions, or their kind."""
    score: str
    """One of `AT_RATES`, or `MEAN` of these."""
    of: Sensitivities
    farthest: float = 1.0

    @property
    def cases(self) -> int:
        """Images on which lesions were looked for: on all of them there may be false alarms."""
        return len(self.of.responses[0].image_patients)

    @property
    def patients(self) -> int:
        """With such lesions."""
        return len(np.unique(self.of.responses[0].lesion_patients))

    @property
    def figures(self) -> FloatArray:
        """(models,)."""
        return self._score(self.of.figures())

    def draws(self, *, resamples: int, seed: int) -> FloatArray:
        """(models, resamples) of the figures, from the same draws of patients for all models."""
        return self._score(self.of.draws(resamples=resamples, seed=seed))

    def _score(self, at_rates: FloatArray) -> FloatArray:
        """(…,), of sensitivities (…, rates)."""
        found: FloatArray = at_rates.mean(axis=-1) if self.score == MEAN else at_rates[..., AT_RATES.index(self.score)]
        return found


def found_alike(detections: Sequence[DetectionEvidence | None]) -> tuple[list[DetectionEvidence], str]:
    """What models found, where the same was looked for and a hit is the same; else nothing, and why in a sentence that
    is empty where no model looks for lesions."""
    known = [own for own in detections if own is not None]
    if not known:
        return [], ""
    if len(known) < len(detections):
        return [], "Not all of the models found lesions: images as a whole are compared alone."
    kinds = list(dict.fromkeys(", ".join(sorted(own.kinds)) for own in known))
    if len(kinds) > 1:
        return [], f"What is found is called {' or '.join(kinds)}: images as a whole are compared alone."
    rules = list(dict.fromkeys(own.rule for own in known))
    if len(rules) > 1:
        return [], f"A hit is {' or '.join(rules)}: images as a whole are compared alone."
    return known, ""


def lesions_found(detections: Sequence[DetectionEvidence], shared: Sequence[str]) -> list[PairedLesions]:
    """The sensitivities of models that looked for the same, all lesions first; none where these cases have no lesion.

    Args:
        detections: Of each model, as `found_alike` gives them.
        shared: Ids of the cases that all were measured on.
    """
    first = detections[0]
    chosen = set(shared)
    results = [sorted((r for r in own.results if r.case in chosen), key=lambda r: r.case) for own in detections]
    if not any(one.truths for one in results[0]):
        return []
    each = [
        responses_by_kind(own_results, kinds=own.kinds, rule=rule_from(first.rule))
        for own, own_results in zip(detections, results, strict=True)
    ]
    return [
        PairedLesions(name, score, of)
        for name in each[0]
        for of in [Sensitivities(tuple(own[name] for own in each))]
        for score in (MEAN, *AT_RATES)
    ]
