"""How sure a finding must be to be shown, and what its score means, chosen on images that were not learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hounsfield.bundle import FindingPoint
from hounsfield.evaluation.calibration import fit_platt
from hounsfield.evaluation.evidence import ImageResult
from hounsfield.evaluation.froc import alarms_at, sensitivity_at, threshold_at
from hounsfield.evaluation.hits import responses_of
from hounsfield.evaluation.matching import AGAIN, match, rule_from
from hounsfield.learning.operating_point import FEWEST_TO_CALIBRATE
from hounsfield.plan import Detection

_LEAST = 1e-6


def choose_finding_point(
    results: Sequence[ImageResult], detection: Detection, *, where: str, begin: FindingPoint | None = None
) -> FindingPoint:
    """The calibration and the threshold of findings.

    Args:
        results: With scores as the networks gave them.
        detection: The plan's section: kinds, the hit rule, and how many false alarms an image are accepted.
        where: What the images are, for the sentence that says where the threshold comes from.
        begin: An earlier choice, whose calibration is kept where these images are too few for a new one.
    """
    if not any(one.truths for one in results):
        return begin or FindingPoint(0.5, f"0.5: there is nothing to be found on {where}")
    point = _calibrated(results, detection) or begin or FindingPoint(0.0, "")
    calibrated = [point.of(one) for one in results]
    responses = responses_of(calibrated, kinds=detection.kinds, rule=rule_from(detection.hit))
    threshold = max(0.0, threshold_at(responses, detection.false_alarms))
    words = (
        f"false alarms ≤ {detection.false_alarms:g} an image: {alarms_at(responses, threshold):.2f}, sensitivity "
        f"{sensitivity_at(responses, threshold):.3f}: {where}"
    )
    return FindingPoint(threshold, words, point.slope, point.intercept, point.calibrated)


def _calibrated(results: Sequence[ImageResult], detection: Detection) -> FindingPoint | None:
    """Platt's line through what the scores of findings and whether they hit say; None of too few.

    A finding on a lesion that a surer one has taken says nothing either way.
    """
    rule = rule_from(detection.hit)
    scores, hits = [], []
    for one in results:
        own = np.array([found.score for found in one.found])
        matched = match([found.box for found in one.found], own, one.truths, rule)
        told = matched.taken != AGAIN
        scores.append(own[told])
        hits.append(matched.taken[told] >= 0)
    said, right = np.clip(np.concatenate(scores), _LEAST, 1 - _LEAST), np.concatenate(hits)
    if min(int(right.sum()), int((~right).sum())) < FEWEST_TO_CALIBRATE:
        return None
    odds = np.log(said / (1 - said))
    line = fit_platt(np.stack([np.zeros_like(odds), odds], axis=1), right.astype(np.int64))
    return None if line.slope <= 0 else FindingPoint(0.0, "", line.slope, line.intercept, True)
