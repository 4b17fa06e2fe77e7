"""What a network found or located as findings on the image as stored: calibrated, and only the sure ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.bundle import FindingPoint
from hounsfield.evaluation.evidence import ImageResult, LocatedImage
from hounsfield.findings import Answer, Finding, Point
from hounsfield.plan import Detection
from hounsfield.tasks.detection import Findings, detected


def findings_of(
    found: Findings,
    onto: FloatArray,
    point: FindingPoint,
    detection: Detection,
    *,
    shape: tuple[int, int, int],
    spacing_mm: Sequence[float] = (),
) -> tuple[Finding, ...]:
    """The findings that reach the threshold, the surest first, as far as they lie on the image.

    Args:
        found: On one image, in pixels of the network's input.
        onto: (4, 4), from array index of that input to that of the image as stored.
        point: How scores become probabilities, and from when on a finding is shown.
        detection: The kinds there are.
        shape: Of the image as stored, (d, h, w).
        spacing_mm: Of the image as stored, along (d, h, w); empty where it does not know it.
    """
    flat, unit = found.boxes.shape[1] == 4, "mm" if spacing_mm else "pixels"
    deep, high, wide = spacing_mm or (1.0, 1.0, 1.0)
    result = point.of(ImageResult("", "", (), detected(found, onto, shape)))
    shown = []
    for one in result.found:
        if one.score >= point.threshold:
            box = one.box
            by_kind = tuple(zip(detection.kinds, one.probabilities, strict=True))
            label = max(by_kind, key=lambda pair: pair[1])[0]
            sides = (box.width * wide, box.height * high, *(() if flat else (box.depth * deep,)))
            shown.append(Finding(label, min(1.0, one.score), box, sides=sides, sides_unit=unit, by_kind=by_kind))
    return tuple(sorted(shown, key=lambda finding: -finding.probability))


def landmarks_of(one: LocatedImage, paths: Mapping[str, Sequence[Point]]) -> tuple[Finding, ...]:
    """The landmarks of an image.

    Args:
        one: What was located, with calibrated radii.
        paths: By landmark, where an agent walked, if one did.
    """
    unit = "mm" if one.spacing_mm else "pixels"
    return tuple(
        Finding(
            label=own.point.label,
            probability=1.0,
            point=own.point,
            radius=own.radius,
            radius_unit=unit if own.radius else "",
            path=tuple(paths.get(own.point.label, ())),
        )
        for own in one.found
    )


def path_points(path: FloatArray, onto: FloatArray, name: str) -> tuple[Point, ...]:
    """Where an agent stood, as points of the image as stored, each once in a row.

    Args:
        path: (steps, dims), in pixels of the network's input from its outer edge.
        onto: (4, 4), from array index (d, h, w) of that input to that of the image as stored.
        name: Of the landmark that it walked to.
    """
    index = np.full((len(path), 3), 0.0)
    index[:, 3 - path.shape[1] :] = path - 0.5
    stored = index @ onto[:3, :3].T + onto[:3, 3] + 0.5
    kept = np.r_[True, np.any(np.diff(stored, axis=0) != 0, axis=1)]
    return tuple(Point(x, y, z, name) for z, y, x in stored[kept].tolist())


def disagreement(findings: Sequence[Finding], answer: Answer, positive: Sequence[str]) -> tuple[str, ...]:
    """A note where a finding of a positive kind is shown on an image that is not called so."""
    if answer.positive or not any(finding.label in positive for finding in findings):
        return ()
    return (
        f"The image as a whole is below its threshold, and yet {answer.label} findings are shown: look at them. The "
        "two thresholds were chosen apart.",
    )
