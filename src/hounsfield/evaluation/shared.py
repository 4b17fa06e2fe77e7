"""The cases that several models were measured on, so that what they got there can be set side by side."""

from __future__ import annotations

from collections.abc import Sequence

from hounsfield.errors import EvaluationError
from hounsfield.evaluation.evidence import CaseResult, Evidence, LocatedImage, OutlinedImage
from hounsfield.evaluation.measured import FEW_PATIENTS
from hounsfield.evaluation.paired_lesions import found_alike
from hounsfield.findings.region import Box

Asked = tuple[str, tuple[str, ...]]
"""What a model answers: "classes", or "landmarks" or "labels" in alphabetical order; and their names."""


def asked_of(evidence: Evidence) -> Asked:
    """What a model was asked when it was measured."""
    if evidence.localization is not None:
        located = evidence.localization.results
        return "landmarks", tuple(sorted({own.point.label for one in located for own in one.found}))
    if evidence.segmentation is not None:
        outlined = evidence.segmentation.results
        return "labels", tuple(sorted({own.label for one in outlined for own in one.labels}))
    return "classes", evidence.classes


def require_same(asked: Sequence[tuple[str, Asked]]) -> None:
    """Accept models that answer the same.

    Args:
        asked: Of each model its name, and what it answers.

    Raises:
        EvaluationError: Two answer something else.
    """
    name, (what, own) = asked[0]
    for other, (kind, names) in asked[1:]:
        if (what, own) != (kind, names):
            raise EvaluationError(
                f"{name} answers the {what} {', '.join(own)}, {other} the {kind} {', '.join(names)}: only models of "
                f"the same {what} can be compared"
            )


def shared_cases(evidences: Sequence[Evidence]) -> list[str]:
    """Ids of the cases that all models were measured on, in the order of the first.

    Raises:
        EvaluationError: They answer something else, have no case in common, or do not agree on what a case is.
    """
    require_same([(evidence.model.name, asked_of(evidence)) for evidence in evidences])
    lesions = bool(found_alike([evidence.detection for evidence in evidences])[0])
    truths = [_truths(evidence, lesions=lesions) for evidence in evidences]
    shared = [case for case in truths[0] if all(case in other for other in truths[1:])]
    if not shared:
        measured = ", ".join(
            f"{evidence.model.name} was measured on {len(own)} cases of {evidence.dataset} ({evidence.split})"
            for evidence, own in zip(evidences, truths, strict=True)
        )
        raise EvaluationError(f"{measured}, and no case is among all of them: give data that none has seen")
    for case in shared:
        for other in truths[1:]:
            _require_same_truth(case, truths[0][case], other[case])
    return shared


def shared_notes(evidences: Sequence[Evidence], shared: Sequence[str]) -> list[str]:
    """What a reader must know of figures from the cases `shared` by all: notes of one model alone begin with its
    name."""
    every = list(dict.fromkeys(note for evidence in evidences for note in evidence.notes))
    notes = []
    for note in every:
        own = [evidence.model.name for evidence in evidences if note in evidence.notes]
        notes.append(note if len(own) == len(evidences) else f"{', '.join(dict.fromkeys(own))}: {note}")
    for evidence in evidences:
        if left := len(_truths(evidence)) - len(shared):
            notes.append(
                f"{left} of {left + len(shared)} cases of {evidence.model.name} left out: not all models have them."
            )
    named = list(dict.fromkeys(evidence.dataset for evidence in evidences))
    if len(named) > 1:
        notes.append(f"The data have several names: {', '.join(named)}.")
    if len({evidence.model.sha256 for evidence in evidences}) < len(evidences):
        notes.append("A model is among them twice.")
    few = f"{(patients := patients_among(evidences[0], shared))} patients only: intervals from so few are too narrow."
    if patients < FEW_PATIENTS and few not in notes:
        notes.append(few)
    return notes


def patients_among(evidence: Evidence, shared: Sequence[str]) -> int:
    """How many patients the cases `shared` are of."""
    return len({one.patient for one in _results(evidence) if one.case in set(shared)})


def _results(evidence: Evidence) -> Sequence[CaseResult | LocatedImage | OutlinedImage]:
    part = evidence.localization or evidence.segmentation
    return part.results if part else evidence.results


def _truths(evidence: Evidence, *, lesions: bool = False) -> dict[str, frozenset[str]]:
    """What is known of each case, in words; with its `lesions` where these are compared."""
    found = evidence.detection.results if lesions and evidence.detection else ()
    there = {one.case: [_box_words(box) for box in one.truths] for one in found}
    return {
        one.case: frozenset((f"patient {one.patient}", *_truth(evidence, one), *there.get(one.case, ())))
        for one in _results(evidence)
    }


def _box_words(box: Box) -> str:
    deep = "" if (box.z0, box.z1) == (0, 1) else f", z {box.z0:.6g} to {box.z1:.6g}"
    return f"{box.label} from x {box.x0:.6g} to {box.x1:.6g}, y {box.y0:.6g} to {box.y1:.6g}{deep}"


def _truth(evidence: Evidence, one: CaseResult | LocatedImage | OutlinedImage) -> list[str]:
    if isinstance(one, CaseResult):
        return [evidence.classes[one.target]]
    if isinstance(one, LocatedImage):
        return [f"{point.label} at x {point.x:.6g}, y {point.y:.6g}, z {point.z:.6g}" for point in one.truths]
    return [f"{own.label} of {own.volume:.6g} in {one.unit}" for own in one.labels]


def _require_same_truth(case: str, one: frozenset[str], other: frozenset[str]) -> None:
    if one != other:
        own, theirs = (", ".join(sorted(words)) or "nothing of that" for words in (one - other, other - one))
        raise EvaluationError(
            f"the case {case!r} is {own} in one, {theirs} in another: these are not the same data; measure all models "
            "on the same"
        )
