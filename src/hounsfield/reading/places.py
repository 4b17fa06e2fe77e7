"""What a network found or located as findings on the image as stored: calibrated, and only the sure ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hounsfield.arrays import FloatArray
from hounsfield.bundle import FindingPoint
from hounsfield.evaluation.evidence import Detected, ImageResult, LocatedImage
from hounsfield.findings import Answer, Box, Finding, Point
from hounsfield.plan import Detection
from hounsfield.tasks.detection import Findings, detected

_APART = "The two thresholds were chosen apart."


def places_on_image(
    found: Findings, onto: FloatArray, point: FindingPoint, shape: tuple[int, int, int]
) -> list[Detected]:
    """All that was found, calibrated, as far as it lies on the image.

    Args:
        found: On one image, in pixels of the network's input.
        onto: (4, 4), from array index of that input to that of the image as stored.
        point: How scores become probabilities.
        shape: Of the image as stored, (d, h, w).
    """
    return list(point.of(ImageResult("", "", (), detected(found, onto, shape))).found)


def findings_of(
    places: Sequence[Detected],
    point: FindingPoint,
    detection: Detection,
    *,
    dims: int,
    spacing_mm: Sequence[float] = (),
) -> tuple[Finding, ...]:
    """The findings that reach the threshold, the surest first.

    Args:
        places: As `places_on_image` gives them.
        point: From when on a finding is shown.
        detection: The kinds there are.
        dims: 2 where nothing is said of how deep they are.
        spacing_mm: Of the image as stored, along (d, h, w); empty where it does not know it.
    """
    unit, (deep, high, wide) = "mm" if spacing_mm else "pixels", spacing_mm or (1.0, 1.0, 1.0)
    shown = []
    for one in places:
        if one.score >= point.threshold:
            by_kind = tuple(zip(detection.kinds, one.probabilities, strict=True))
            label = max(by_kind, key=lambda pair: pair[1])[0]
            sides = (one.box.width * wide, one.box.height * high, one.box.depth * deep)[:dims]
            shown.append(Finding(label, min(1.0, one.score), one.box, sides=sides, sides_unit=unit, by_kind=by_kind))
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


def disagreement(
    findings: Sequence[Finding], places: Sequence[Detected], answer: Answer, detection: Detection, *, dims: int
) -> tuple[str, ...]:
    """A note where a finding of a positive kind is shown on an image that is not called so, or none on one that is.

    Args:
        findings: That are shown.
        places: All that was found, as `places_on_image` gives it.
        answer: Of the image as a whole.
        detection: The kinds there are.
        dims: 2 where places have no slice.
    """
    if answer.positive == any(finding.label in detection.positive for finding in findings):
        return ()
    if not answer.positive:
        return (
            f"The image as a whole is below its threshold, and yet {answer.label} findings are shown: look at them. "
            f"{_APART}",
        )
    surest = max(places, key=lambda one: _positive_share(one, detection), default=None)
    if surest is None:
        told = "nothing was found on it"
    else:
        share = f"{answer.label} with {_positive_share(surest, detection):.2f}"
        shown = next((finding.label for finding in findings if finding.box == surest.box), "")
        told = f"the surest place, around {_middle_words(surest.box, dims)}, is {share}"
        told += f" and shown as {shown}" if shown else " and not shown"
    return (
        f"The image as a whole reaches its threshold, and yet no {answer.label} finding is shown: {told}. {_APART}",
    )


def _positive_share(one: Detected, detection: Detection) -> float:
    pairs = zip(detection.kinds, one.probabilities, strict=True)
    return min(1.0, sum(share for kind, share in pairs if kind in detection.positive))


def _middle_words(box: Box, dims: int) -> str:
    """The pixel in the middle of a box, counted from 0, and of a volume its slice."""
    middle = zip("xyz", (*box.center, (box.z0 + box.z1) / 2), strict=True)
    return ", ".join([f"{axis} {int(place)}" for axis, place in middle][:dims])
