"""What a card answers of a segmentation where it differs from a model of classes."""

from __future__ import annotations

from hounsfield.bundle import Bundle
from hounsfield.evaluation.evidence import Evidence, Score, SegmentationEvidence
from hounsfield.reporting import wording
from hounsfield.reporting.score_table import verdict


def label_answers(bundle: Bundle, evidence: Evidence) -> dict[str, str]:
    """Items of the guidelines by their key; none of other tasks."""
    found = evidence.segmentation
    if found is None:
        return {}
    plan, training = bundle.plan, bundle.training
    names = ", ".join(plan.segmentation.labels)
    return {
        "summary": f"To outline {names}, {wording.plural(training.members, 'network')} learned from {training.cases} "
        f"cases of {training.patients} patients of {training.dataset}. {verdict(evidence)}",
        "technology": f"Deep learning: {wording.plural(training.members, 'network')} ({net_of(bundle)}) for "
        "segmentation.",
        "model": f"{net_of(bundle)}, looking at {' × '.join(map(str, plan.input.shape))} voxels at once; every layer "
        "is in weights.safetensors.",
        "numbers": f"{training.cases} cases of {training.patients} patients trained and validated on; measured on "
        f"{evidence.cases} of {evidence.patients}.",
        "patients": "The data name no characteristics but those of the subgroups."
        if found.subgroups
        else "The data name no characteristics.",
        "classes": f"Labels: {names}.",
        "imbalance": f"{wording.percent(plan.segmentation.around_labels)} of the windows that were learned from lie "
        "around a label.",
        "predictions": "A label, or none, for every voxel of the image as stored; no probability is said of it.",
        "explanations": "The outlines are drawn on the image.",
        "measures": f"Dice, surface Dice within {found.tolerance:g} {found.unit}, 95th percentile of the Hausdorff "
        "distance and mean distance of surfaces (polygons between voxels, weighted by their area), error of the "
        "volume, and lesions one by one.",
        "performance": "; ".join(f"{name} {_with_interval(score)}" for name, score in label_scores(found).items())
        + ".",
        "accuracy": verdict(evidence),
        "failures": "The images with the lowest Dice are shown in the report.",
        "updating": "None so far.",
    }


def net_of(bundle: Bundle) -> str:
    """How voxels are labelled, and on the maps of which network."""
    encoder = getattr(bundle.plan.network, "encoder", None)
    return f"U-Net on maps of {getattr(encoder, 'backbone', getattr(encoder, 'name', ''))}"


def label_scores(found: SegmentationEvidence) -> dict[str, Score]:
    """The scores of a card's table by name."""
    scores: dict[str, Score] = {}
    for one in found.labels:
        for name, words in (
            ("dice", "Dice"),
            ("surface_dice", f"surface Dice, {found.tolerance:g} {found.unit}"),
            ("hausdorff", f"95 % Hausdorff distance ({found.unit})"),
        ):
            if name in one.scores:
                scores[f"{one.name}: {words}"] = one.scores[name]
    return scores


def _with_interval(score: Score) -> str:
    return f"{wording.number(score.value, 3)} ({wording.interval(score, 3)})"
