"""What a network found on an image as findings on the image as stored: calibrated, and only the sure ones."""

from __future__ import annotations

from hounsfield.arrays import FloatArray
from hounsfield.bundle import FindingPoint
from hounsfield.evaluation.evidence import ImageResult
from hounsfield.findings import Finding
from hounsfield.plan import Detection
from hounsfield.tasks.detection import Findings, detected


def findings_of(found: Findings, onto: FloatArray, point: FindingPoint, detection: Detection) -> tuple[Finding, ...]:
    """The findings that reach the threshold, the surest first.

    Args:
        found: On one image, in pixels of the network's input.
        onto: (4, 4), from array index of that input to that of the image as stored.
        point: How scores become probabilities, and from when on a finding is shown.
        detection: The kinds there are.
    """
    result = point.of(ImageResult("", "", (), detected(found, onto)))
    shown = []
    for one in result.found:
        if one.score >= point.threshold:
            by_kind = tuple(zip(detection.kinds, one.probabilities, strict=True))
            label = max(by_kind, key=lambda pair: pair[1])[0]
            shown.append(Finding(label, min(1.0, one.score), one.box, by_kind))
    return tuple(sorted(shown, key=lambda finding: -finding.probability))
